import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDatabase, type Database } from '../../src/db/sql.ts'
import type { SuppressionEntry } from '../../src/feedback/suppression.ts'
import { addSuppressions } from '../../src/suppression/add.ts'
import { countSuppressions } from '../../src/suppression/counts.ts'
import { findSuppression, listSuppressions } from '../../src/suppression/list.ts'
import { removeNextSuppressions, removeSuppression } from '../../src/suppression/remove.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { bounces, entry, lockWaiters } from './entries.ts'

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

const all = { address: null, from: null, before: null }

async function add(tenantId: number, entries: SuppressionEntry[]): Promise<void> {
  await db.transaction((sql) => addSuppressions(sql, tenantId, entries))
}

describe('removing one address', () => {
  test('takes it off this list of this tenant and counts it once', async () => {
    await add(1, [entry('a@example.com'), entry('a@example.com', { list: 'spam_reports' })])
    await add(2, [entry('a@example.com')])
    const remove = () =>
      db.transaction((sql) => removeSuppression(sql, 1, bounces, 'a@example.com'))
    expect(await remove()).toBe(true)
    expect(await remove()).toBe(false)
    const count = (tenantId: number, list: SuppressionEntry['list']) =>
      db.run((sql) => countSuppressions(sql, tenantId, list))
    expect(await count(1, 'bounces')).toBe(0)
    expect(await count(1, 'spam_reports')).toBe(1)
    expect(await count(2, 'bounces')).toBe(1)
  })
})

describe('removing all, a chunk at a time', () => {
  test('goes through the addresses in the order of their bytes and ends', async () => {
    const addresses = [
      'a_b@x.example',
      'aB@x.example',
      'a-b@x.example',
      'é@x.example',
      '😀@x.example',
    ]
    await add(
      3,
      addresses.map((address) => entry(address.toLowerCase())),
    )
    const seen: string[] = []
    for (let chunk = ['']; chunk.length > 0; ) {
      const after = seen.at(-1) ?? ''
      chunk = await db.transaction((sql) =>
        removeNextSuppressions(sql, 3, bounces, { after, limit: 2 }),
      )
      seen.push(...chunk)
    }
    expect(seen).toEqual([
      'a-b@x.example',
      'a_b@x.example',
      'ab@x.example',
      'é@x.example',
      '😀@x.example',
    ])
    expect(await db.run((sql) => countSuppressions(sql, 3, 'bounces'))).toBe(0)
  })

  test('beside a report that is just being recorded: every address goes, and a chunk is full', async () => {
    const addresses = Array.from({ length: 10 }, (_, n) => `${n}@example.com`)
    await add(
      6,
      addresses.map((address) => entry(address)),
    )
    const remove = (after: string) =>
      db.transaction((sql) => removeNextSuppressions(sql, 6, bounces, { after, limit: 5 }))
    let first: Promise<string[]> | null = null
    await database.sql.begin(async (sql) => {
      await addSuppressions(sql, 6, [entry('1@example.com', { reason: 'gone again' })])
      first = remove('')
      await lockWaiters(database.sql, 1)
    })
    expect(await first).toEqual(addresses.slice(0, 5))
    expect(await remove('4@example.com')).toEqual(addresses.slice(5))
    expect(await db.run((sql) => countSuppressions(sql, 6, 'bounces'))).toBe(0)
  })

  test('beside others that add the same addresses: nobody waits for ever, the total is right', async () => {
    const addresses = Array.from({ length: 400 }, (_, n) => `u${(n * 7919) % 400}@example.com`)
    const adding = async (turn: number) => {
      for (let times = 0; times < 5; times++)
        await add(
          4,
          [...addresses.slice(turn), ...addresses.slice(0, turn)].map((a) => entry(a)),
        )
    }
    const removing = async () => {
      for (let times = 0; times < 10; times++)
        await db.transaction((sql) =>
          removeNextSuppressions(sql, 4, bounces, { after: '', limit: 150 }),
        )
    }
    await Promise.all([adding(0), adding(133), removing(), removing()])
    const page = { limit: 500, offset: 0 }
    const now = new Date()
    const left = await db.run((sql) => listSuppressions(sql, 4, bounces, all, page, now))
    expect(await db.run((sql) => countSuppressions(sql, 4, 'bounces'))).toBe(left.length)
  })
})

describe('what a list shows', () => {
  const now = new Date('2026-01-10T00:00:00Z')
  const day = (n: number) => new Date(`2026-01-${String(n).padStart(2, '0')}T00:00:00Z`)
  const soft = { bounceClass: 'soft', status: '4.2.2', reason: 'full' } as const

  test('the strongest bounce that stands, with its own words', async () => {
    await add(5, [entry('a@example.com', soft), entry('a@example.com')])
    const found = await db.run((sql) => findSuppression(sql, 5, bounces, 'a@example.com', now))
    expect(found).toMatchObject({ bounceClass: 'hard', status: '5.1.1', strongerLapsed: false })
  })

  test('the weaker one once the stronger has lapsed, and that its words are not its own', async () => {
    await add(5, [
      entry('b@example.com', { until: day(5) }),
      entry('b@example.com', { ...soft, until: day(20) }),
    ])
    const found = await db.run((sql) => findSuppression(sql, 5, bounces, 'b@example.com', now))
    expect(found).toMatchObject({ bounceClass: 'soft', status: '5.1.1', strongerLapsed: true })
  })

  test('the last one when all have lapsed and nobody has swept yet', async () => {
    await add(5, [entry('c@example.com', { ...soft, until: day(5) })])
    const found = await db.run((sql) => findSuppression(sql, 5, bounces, 'c@example.com', now))
    expect(found).toMatchObject({ bounceClass: 'soft', strongerLapsed: false })
  })
})
