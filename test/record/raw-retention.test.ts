import { randomBytes } from 'node:crypto'
import { pino } from 'pino'
import { uuidv7 } from 'uuidv7'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createDatabase, type Database } from '../../src/db/sql.ts'
import { findRawExcess, purgeRawBefore } from '../../src/record/raw-retention.ts'
import { purgeQuarantine } from '../../src/sweeper.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

let database: TestDatabase
let db: Database

beforeAll(async () => {
  database = await createTestDatabase()
  db = createDatabase(database.target)
})
afterEach(() => database.sql`delete from raw_message`)
afterAll(async () => {
  await db.close()
  await database.drop()
})

const start = new Date('2026-11-21T10:00:00Z')
const minutes = (count: number): Date => new Date(start.getTime() + count * 60_000)
const log = pino({ level: 'silent' })

/** Bytes that no compression makes smaller. */
async function keep(receivedAt: Date, bytes: number, tenantId = 1): Promise<string> {
  const mailId = uuidv7()
  await database.sql`
    insert into raw_message (tenant_id, mail_id, received_at, raw)
    values (${tenantId}, ${mailId}, ${receivedAt}, ${randomBytes(bytes)})`
  return mailId
}

async function kept(): Promise<string[]> {
  const rows = await database.sql`select mail_id from raw_message order by received_at, mail_id`
  return rows.map(({ mailId }) => mailId)
}

describe('the bytes of messages take no more than they may', () => {
  test('as long as there is room all stay', async () => {
    await keep(minutes(0), 10_000)
    expect(await findRawExcess(db, 20_000)).toEqual([])
    await purgeQuarantine(db, 20_000, log)
    expect(await kept()).toHaveLength(1)
  })

  test('the oldest go first, and no more of them than must', async () => {
    await keep(minutes(0), 10_000)
    await keep(minutes(1), 10_000)
    const third = await keep(minutes(2), 10_000)
    const fourth = await keep(minutes(3), 10_000)
    await purgeQuarantine(db, 25_000, log)
    expect(await kept()).toEqual([third, fourth])
  })

  test('whoever keeps most loses first: much mail of strangers costs no tenant his', async () => {
    const old = await keep(minutes(0), 10_000, 1)
    const older = await keep(minutes(-1), 5_000, 2)
    for (let n = 1; n <= 8; n++) await keep(minutes(n), 10_000, 0)
    const last = await keep(minutes(9), 10_000, 0)
    await purgeQuarantine(db, 26_000, log)
    expect(await kept()).toEqual([older, old, last])
  })

  test('one that is too large alone does not stay either', async () => {
    await keep(minutes(0), 30_000)
    await purgeQuarantine(db, 20_000, log)
    expect(await kept()).toEqual([])
  })

  test('thousands of the same moment are told apart', async () => {
    await database.sql`
      insert into raw_message (tenant_id, mail_id, received_at, raw)
      select 1, gen_random_uuid(), ${start}, '\\x00'::bytea
      from generate_series(1, 45000)`
    const [row] = await database.sql`
      select pg_column_size(raw) as size from raw_message limit 1`
    await purgeQuarantine(db, row?.['size'] * 41_000, log)
    expect(await kept()).toHaveLength(41_000)
  })
})

describe('bytes past their time', () => {
  test('go, the others stay', async () => {
    await keep(minutes(0), 100)
    const young = await keep(minutes(2), 100)
    const purge = () => db.transaction((sql) => purgeRawBefore(sql, minutes(1)))
    expect(await purge()).toMatchObject({ messages: 1 })
    expect(await purge()).toMatchObject({ messages: 0 })
    expect(await kept()).toEqual([young])
  })
})
