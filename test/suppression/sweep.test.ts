import { afterAll, beforeAll, expect, test } from 'vitest'
import { createDatabase, type Database } from '../../src/db/sql.ts'
import { addSuppressions } from '../../src/suppression/add.ts'
import { countSuppressions } from '../../src/suppression/counts.ts'
import { expire } from '../../src/sweeper.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { entry, lockWaiters } from './entries.ts'

let database: TestDatabase
let db: Database

beforeAll(async () => {
  database = await createTestDatabase()
  db = createDatabase(database.target)
})
afterAll(async () => {
  await db.close()
  await database.drop()
})

const lapsed = new Date('2026-02-01T00:00:00Z')
const now = new Date('2026-03-01T00:00:00Z')
const later = new Date('2026-04-01T00:00:00Z')

async function add(tenantId: number, addresses: string[], until: Date | null): Promise<void> {
  const entries = addresses.map((address) => entry(address, { until }))
  await db.transaction((sql) => addSuppressions(sql, tenantId, entries))
}

async function listed(tenantId: number): Promise<string[]> {
  const rows = await database.sql<{ address: string }[]>`
    select address from suppression where tenant_id = ${tenantId} order by address`
  return rows.map(({ address }) => address)
}

const count = (tenantId: number): Promise<number> =>
  db.run((sql) => countSuppressions(sql, tenantId, 'bounces'))

test('what is over leaves list, count and feed, of every tenant; the rest stays', async () => {
  await add(1, ['a@example.com', 'b@example.com'], lapsed)
  await add(1, ['c@example.com'], later)
  await add(2, ['a@example.com'], lapsed)
  await add(2, ['d@example.com'], null)
  await expire(db, now)
  expect([await listed(1), await count(1)]).toEqual([['c@example.com'], 1])
  expect([await listed(2), await count(2)]).toEqual([['d@example.com'], 1])
  const events = await database.sql`
    select tenant_id, change, list, address from outbox order by tenant_id, address`
  expect(events.map((row) => Object.values(row))).toEqual([
    [1, 'expired', 'bounces', 'a@example.com'],
    [1, 'expired', 'bounces', 'b@example.com'],
    [2, 'expired', 'bounces', 'a@example.com'],
  ])
})

test('a batch of several tenants and the sweeper never wait for each other', async () => {
  await add(3, ['a@example.com'], lapsed)
  await add(4, ['a@example.com'], lapsed)
  // As a batch does: the totals of the lower tenant first, then the rows of the higher one.
  let sweeping = Promise.resolve()
  await database.sql.begin(async (sql) => {
    await sql`select 1 from suppression_count where tenant_id = 3 for update`
    await sql`
      insert into suppression_count (tenant_id, list, group_id, slot, entries)
      select 3, 'bounces', 0, slot, 0 from generate_series(0, 63) as slot
      on conflict do nothing`
    sweeping = expire(db, now)
    await lockWaiters(database.sql, 1)
    await sql`
      update suppression set expires_at = ${later} where tenant_id = 4 and address = 'a@example.com'`
  })
  await sweeping
  expect([await listed(3), await count(3)]).toEqual([[], 0])
  expect([await listed(4), await count(4)]).toEqual([['a@example.com'], 1])
})

test('an entry that is being prolonged waits for the next sweep, and stays', async () => {
  await add(5, ['a@example.com', 'b@example.com', 'c@example.com'], lapsed)
  await database.sql.begin(async (sql) => {
    await sql`
      update suppression set expires_at = ${later} where tenant_id = 5 and address = 'b@example.com'`
    await expire(db, now)
    expect(await listed(5)).toEqual(['b@example.com'])
  })
  await expire(db, now)
  expect([await listed(5), await count(5)]).toEqual([['b@example.com'], 1])
})

test('sweepers and batches at once: what was prolonged is there, and the totals are right', async () => {
  const addresses = Array.from({ length: 300 }, (_, n) => `u${n}@example.com`)
  const tenants = [6, 7, 8]
  for (const tenantId of tenants) await add(tenantId, addresses, lapsed)
  const prolonged = addresses.filter((_, n) => n % 3 === 0)
  const prolong = async (): Promise<void> => {
    for (let at = 0; at < prolonged.length; at += 10) {
      const entries = prolonged.slice(at, at + 10).map((each) => entry(each, { until: later }))
      await db.transaction(async (sql) => {
        for (const tenantId of tenants) await addSuppressions(sql, tenantId, entries)
      })
    }
  }
  await Promise.all([
    expire(db, now, { limit: 20 }),
    prolong(),
    expire(db, now, { limit: 20 }),
    prolong(),
  ])
  await expire(db, now)
  for (const tenantId of tenants) {
    expect(await listed(tenantId)).toEqual([...prolonged].sort())
    expect(await count(tenantId)).toBe(prolonged.length)
  }
})
