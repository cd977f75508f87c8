import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { OverloadError } from '../../src/db/limiter.ts'
import { createDatabase, type Database } from '../../src/db/sql.ts'
import { addSuppressions } from '../../src/suppression/add.ts'
import { noBypass, UnknownGroupError } from '../../src/suppression/check.ts'
import { checkSessions, createChecker } from '../../src/suppression/check-batches.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { entry } from './entries.ts'

let database: TestDatabase
let db: Database

beforeAll(async () => {
  database = await createTestDatabase()
  db = createDatabase(database.target, checkSessions)
})
afterAll(async () => {
  await db.close()
  await database.drop()
})

const now = () => new Date()

/** Counts the statements, and holds the first ones back until it is told to let go. */
function gated(of: Database) {
  let statements = 0
  let letGo: () => void = () => undefined
  const open = new Promise<void>((resolve) => {
    letGo = resolve
  })
  const gatedDb: Database = {
    ...of,
    async run(work) {
      statements++
      await open
      return of.run(work)
    },
  }
  return { db: gatedDb, statements: () => statements, letGo }
}

const ask = (tenantId: number, ...addresses: string[]) => ({ tenantId, groupId: null, addresses })

describe('questions that come while others are being answered', () => {
  test('share one statement, and each gets its own answer, whoever asks', async () => {
    for (const tenantId of [1, 2, 3]) {
      const listed = entry(`t${tenantId}@example.com`)
      await database.sql.begin((sql) => addSuppressions(sql, tenantId, [listed]))
    }
    const gate = gated(db)
    const checker = createChecker({ db: gate.db, now })
    const asked = Array.from({ length: 300 }, (_, index) => {
      const tenantId = (index % 3) + 1
      return { tenantId, address: `t${((index >> 2) % 3) + 1}@example.com` }
    })
    const answers = asked.map(async ({ tenantId, address }, index) => {
      // In three waves: one for each statement that may be under way, and what collects behind.
      for (let turn = 0; turn < index % 3; turn++) await new Promise(setImmediate)
      if (index === 299) gate.letGo()
      return checker.check(ask(tenantId, address), noBypass)
    })
    const reasons = (await Promise.all(answers)).map(([verdict]) => verdict?.reason)
    expect(reasons).toEqual(
      asked.map(({ tenantId, address }) =>
        address === `t${tenantId}@example.com` ? 'suppressed_bounce' : null,
      ),
    )
    expect(gate.statements()).toBeLessThanOrEqual(3)
  })

  test('a group that is not there spoils only the question that names it', async () => {
    const checker = createChecker({ db, now })
    const good = checker.check(ask(1, 't1@example.com'), noBypass)
    const bad = checker.check({ ...ask(1, 't1@example.com'), groupId: 77 }, noBypass)
    await expect(bad).rejects.toThrow(UnknownGroupError)
    expect(await good).toMatchObject([{ reason: 'suppressed_bounce' }])
  })

  test('no statement has more than a thousand addresses, but for one question alone', async () => {
    const gate = gated(db)
    const checker = createChecker({ db: gate.db, now })
    const many = Array.from({ length: 600 }, (_, index) => `u${index}@example.com`)
    const answers = [1, 2, 3].map((tenantId) => checker.check(ask(tenantId, ...many), noBypass))
    gate.letGo()
    expect((await Promise.all(answers)).map(({ length }) => length)).toEqual([600, 600, 600])
    expect(gate.statements()).toBe(3)
  })
})

describe('when PostgreSQL fails', () => {
  const rest = { transaction: () => Promise.reject(), close: async () => undefined }

  test('what is asked and what waits is told so; what comes later is tried', async () => {
    let failures = 0
    const flaky: Database = {
      ...rest,
      run: (work) => (failures++ < 1 ? Promise.reject(new Error('connection lost')) : db.run(work)),
    }
    const checker = createChecker({ db: flaky, now })
    const first = [1, 2, 3].map((tenantId) => checker.check(ask(tenantId, 'x@y.example'), noBypass))
    for (const answer of first) await expect(answer).rejects.toThrow('connection lost')
    expect(await checker.check(ask(1, 't1@example.com'), noBypass)).toMatchObject([
      { reason: 'suppressed_bounce' },
    ])
  })

  test('what would wait too long is refused at once', async () => {
    const frozen: Database = { ...rest, run: () => new Promise(() => undefined) }
    const checker = createChecker({ db: frozen, now })
    const thousand = Array<string>(1_000).fill('a@example.com')
    const answers = Array.from({ length: 60 }, () =>
      checker.check(ask(1, ...thousand), noBypass).catch((error: unknown) => error),
    )
    const first = await Promise.race(answers)
    expect(first).toBeInstanceOf(OverloadError)
  })
})

test('a table that has grown is not read as a whole by a plan of old', async () => {
  const checker = createChecker({ db, now })
  await database.sql`vacuum analyze suppression`
  for (let i = 0; i < 10; i++) await checker.check(ask(1, 'a@example.com'), noBypass)
  await database.sql`
    insert into suppression (tenant_id, address, list, created_at, origin, suppresses_until)
    select 5, 'user' || n || '@example.com', 'spam_reports', now(), 'import', 'infinity'
    from generate_series(1, 20000) as n`
  const readsBefore = await sequentialScans()
  const many = Array.from({ length: 1_000 }, (_, index) => `user${index * 40}@example.com`)
  const verdicts = await checker.check(ask(5, ...many), noBypass)
  expect(verdicts.filter(({ reason }) => reason !== null)).toHaveLength(500)
  expect(await sequentialScans()).toBe(readsBefore)
})

async function sequentialScans(): Promise<number> {
  // Sessions report what they did when they are idle for a moment.
  await db.run((sql) => sql`select pg_stat_force_next_flush()`)
  const [row] = await database.sql<{ scans: number }[]>`
    select seq_scan::int as scans from pg_stat_user_tables where relname = 'suppression'`
  return row?.scans ?? -1
}
