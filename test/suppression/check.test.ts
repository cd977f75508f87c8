import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDatabase, type Database } from '../../src/db/sql.ts'
import type { SuppressionEntry } from '../../src/feedback/suppression.ts'
import { addSuppressions } from '../../src/suppression/add.ts'
import {
  checkAddresses,
  type Hit,
  noBypass,
  UnknownGroupError,
  verdictOf,
} from '../../src/suppression/check.ts'
import { addGroup, buryGroup } from '../../src/suppression/groups.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { entry } from './entries.ts'

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

let tenants = 100
const newTenant = () => ++tenants

const now = new Date('2026-06-01T12:00:00Z')
const later = (seconds: number) => new Date(now.getTime() + seconds * 1000)
const unix = (date: Date) => date.getTime() / 1000

async function add(tenantId: number, ...entries: SuppressionEntry[]): Promise<void> {
  // One after the other, as they come in life.
  for (const one of entries) await db.transaction((sql) => addSuppressions(sql, tenantId, [one]))
}

function listed(list: SuppressionEntry['list'], address: string, groupId = 0): SuppressionEntry {
  return entry(address, { list, groupId, bounceClass: null, status: null, reason: null })
}

async function addTestGroup(tenantId: number, name: string, isDefault = false): Promise<number> {
  const group = await db.transaction((sql) =>
    addGroup(sql, tenantId, { name, description: '', isDefault }, now),
  )
  if (group === null) throw new Error('the name is taken')
  return group.groupId
}

function check(tenantId: number, addresses: string[], groupId: number | null = null, at = now) {
  return db.run((sql) => checkAddresses(sql, tenantId, addresses, groupId, noBypass, at))
}

async function hitsOf(tenantId: number, address: string, groupId?: number, at?: Date) {
  const [verdict] = await check(tenantId, [address], groupId, at)
  return verdict?.hits
}

describe('the policy', () => {
  const hit = (list: Hit['list'], groupId = 0): Hit => ({
    list,
    groupId,
    bounceClass: list === 'bounces' ? 'hard' : null,
    since: 1,
    until: null,
  })
  const bounce = hit('bounces')
  const spam = hit('spam_reports')
  const global = hit('global_unsubscribes')
  const group = hit('group_unsubscribes', 7)
  const all = [group, spam, bounce, global]

  test('nothing found: mail may be sent', () => {
    expect(verdictOf([], noBypass)).toEqual({ reason: null, hits: [] })
  })

  test('all hits, bounce before spam report before global before group', () => {
    expect(verdictOf(all, noBypass)).toEqual({
      reason: 'suppressed_bounce',
      hits: [bounce, spam, global, group],
    })
  })

  test.each([
    ['suppressed_bounce', bounce],
    ['suppressed_spam', spam],
    ['suppressed_unsubscribe', global],
    ['suppressed_group_unsubscribe', group],
  ])('%s', (reason, only) => {
    expect(verdictOf([only], noBypass)).toEqual({ reason, hits: [only] })
  })

  test.each([
    ['bounceManagement', 'suppressed_spam', [spam, global, group]],
    ['spamManagement', 'suppressed_bounce', [bounce, global, group]],
    ['unsubscribeManagement', 'suppressed_bounce', [bounce, spam, group]],
    ['listManagement', null, []],
  ])('bypassing %s', (name, reason, hits) => {
    expect(verdictOf(all, { ...noBypass, [name]: true })).toEqual({ reason, hits })
  })

  test('bypasses combine, groups are still heeded, and that of all lists wins', () => {
    const three = { bounceManagement: true, spamManagement: true, unsubscribeManagement: true }
    expect(verdictOf(all, { ...noBypass, ...three })).toEqual({
      reason: 'suppressed_group_unsubscribe',
      hits: [group],
    })
    const four = { ...three, listManagement: true }
    expect(verdictOf(all, four)).toEqual({ reason: null, hits: [] })
  })
})

describe('what counts', () => {
  test('each address for itself, in the order asked, as often as asked', async () => {
    const tenantId = newTenant()
    await add(tenantId, listed('spam_reports', 'b@example.com'))
    const verdicts = await check(tenantId, ['a@example.com', 'b@example.com', 'b@example.com'])
    const reasons = verdicts.map(({ reason }) => reason)
    expect(reasons).toEqual([null, 'suppressed_spam', 'suppressed_spam'])
  })

  test('nothing of another tenant, and no similar address', async () => {
    const tenantId = newTenant()
    await add(newTenant(), listed('spam_reports', 'a@example.com'))
    await add(tenantId, listed('spam_reports', 'a@example.com.test'))
    expect(await hitsOf(tenantId, 'a@example.com')).toEqual([])
  })

  test('since and until in unix seconds; without an end until is null', async () => {
    const tenantId = newTenant()
    const since = new Date('2026-05-31T23:59:59.999Z')
    await add(tenantId, entry('a@example.com', { since }))
    await add(
      tenantId,
      entry('b@example.com', { since, until: later(60), bounceClass: 'soft', status: '4.2.2' }),
    )
    const hit = { list: 'bounces', groupId: 0, since: 1_780_271_999 }
    expect(await hitsOf(tenantId, 'a@example.com')).toEqual([
      { ...hit, bounceClass: 'hard', until: null },
    ])
    expect(await hitsOf(tenantId, 'b@example.com')).toEqual([
      { ...hit, bounceClass: 'soft', until: unix(later(60)) },
    ])
  })

  test('an entry up to the moment in which it ends', async () => {
    const tenantId = newTenant()
    await add(tenantId, entry('a@example.com', { until: later(60) }))
    const before = new Date(later(60).getTime() - 1)
    expect(await hitsOf(tenantId, 'a@example.com', undefined, before)).toHaveLength(1)
    expect(await hitsOf(tenantId, 'a@example.com', undefined, later(60))).toEqual([])
  })

  test('no entry that is only listed', async () => {
    const tenantId = newTenant()
    await add(tenantId, entry('a@example.com', { suppresses: false, bounceClass: 'block' }))
    expect(await hitsOf(tenantId, 'a@example.com')).toEqual([])
  })
})

describe('bounce_type is the strongest class that stands and suppresses', () => {
  const soft = (until: Date | null) => entry('a@example.com', { bounceClass: 'soft', until })
  const hard = (until: Date | null) => entry('a@example.com', { bounceClass: 'hard', until })
  const block = (suppresses: boolean) =>
    entry('a@example.com', { bounceClass: 'block', suppresses })

  test.each([
    ['hard beats soft', [soft(null), hard(later(60))], 'hard', null],
    ['a lapsed one does not', [hard(later(-60)), soft(later(60))], 'soft', unix(later(60))],
    ['the later end is the end', [soft(later(90)), hard(later(60))], 'hard', unix(later(90))],
    ['blocks by hand', [block(true)], 'block', null],
    ['one that is only listed', [block(false), soft(later(60))], 'soft', unix(later(60))],
  ])('%s', async (_name, entries, bounceClass, until) => {
    const tenantId = newTenant()
    await add(tenantId, ...entries)
    expect(await hitsOf(tenantId, 'a@example.com')).toMatchObject([{ bounceClass, until }])
  })

  test('also when it was only listed later on', async () => {
    const tenantId = newTenant()
    const listedOnly = entry('a@example.com', { suppresses: false })
    await add(tenantId, hard(later(60)), listedOnly)
    const until = unix(later(60))
    expect(await hitsOf(tenantId, 'a@example.com')).toMatchObject([{ bounceClass: 'hard', until }])
  })
})

describe('groups', () => {
  test('only the one that is named', async () => {
    const tenantId = newTenant()
    const [news, offers] = [
      await addTestGroup(tenantId, 'news', true),
      await addTestGroup(tenantId, 'offers'),
    ]
    await add(tenantId, listed('group_unsubscribes', 'a@example.com', news))
    const hit = { list: 'group_unsubscribes', groupId: news, bounceClass: null }
    expect(await hitsOf(tenantId, 'a@example.com', news)).toMatchObject([hit])
    expect(await hitsOf(tenantId, 'a@example.com', offers)).toEqual([])
  })

  test('without one the default group, as it is at that moment', async () => {
    const tenantId = newTenant()
    const news = await addTestGroup(tenantId, 'news')
    await add(tenantId, listed('group_unsubscribes', 'a@example.com', news))
    expect(await hitsOf(tenantId, 'a@example.com')).toEqual([])
    const digest = await addTestGroup(tenantId, 'digest', true)
    await add(tenantId, listed('group_unsubscribes', 'a@example.com', digest))
    expect(await hitsOf(tenantId, 'a@example.com')).toMatchObject([{ groupId: digest }])
    await db.transaction((sql) => buryGroup(sql, tenantId, digest, now))
    expect(await hitsOf(tenantId, 'a@example.com')).toEqual([])
  })

  test('a deleted one leaves the global lists', async () => {
    const tenantId = newTenant()
    const news = await addTestGroup(tenantId, 'news')
    await add(
      tenantId,
      listed('group_unsubscribes', 'a@example.com', news),
      listed('global_unsubscribes', 'a@example.com'),
    )
    await db.transaction((sql) => buryGroup(sql, tenantId, news, now))
    const hits = await hitsOf(tenantId, 'a@example.com', news)
    expect(hits).toMatchObject([{ list: 'global_unsubscribes' }])
  })

  test('one that this tenant never had is an error', async () => {
    const foreign = await addTestGroup(newTenant(), 'news')
    for (const groupId of [foreign, 2_147_483_647]) {
      await expect(check(newTenant(), ['a@example.com'], groupId)).rejects.toThrow(
        UnknownGroupError,
      )
    }
  })
})
