import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ListEffect } from '../../src/feedback/replay.ts'
import { decideHolds } from '../../src/holds.ts'
import { add } from '../../src/http/v3/add.ts'
import { revert, revertDry } from '../../src/revert.ts'
import { createDomainDirectory } from '../../src/tenant/inbound-domains.ts'
import {
  bounceOf,
  complaintAbout,
  createTestPipeline,
  type TestPipeline,
} from '../support/pipeline.ts'
import { by, replayAll, wrongTotals } from './replaying.ts'

const hour = 3_600_000
/** When gmail.com said of most of its users that they do not exist. */
const since = new Date('2020-12-15T21:00:00Z')
const before = new Date('2020-12-15T23:30:00Z')
const wave = { provider: 'google', since, before }
const to = 'bounces@bounces.test'
let now = since
let t: TestPipeline
let tenantId: number

beforeAll(async () => {
  t = await createTestPipeline(() => now)
  tenantId = (await t.addTenant('acme')).tenantId
  await t.addDomain('bounces.test', tenantId, 'any')
  // No breaker: all of it is believed.
  await t.sql`update tenant set storm_factor = 0`
})
afterAll(() => t.close())

function falseBounce(address: string, remoteMta = 'gmail-smtp-in.l.google.com'): string {
  return [
    'From: MAILER-DAEMON@mta.acme.example',
    'Subject: Undelivered Mail Returned to Sender',
    `Date: ${now.toUTCString()}`,
    'MIME-Version: 1.0',
    'Content-Type: multipart/report; report-type=delivery-status; boundary="report"',
    '',
    '--report',
    'Content-Type: text/plain; charset=us-ascii',
    '',
    'This is the mail system at host mta.acme.example.',
    '--report',
    'Content-Type: message/delivery-status',
    '',
    'Reporting-MTA: dns; mta.acme.example',
    '',
    `Final-Recipient: rfc822; ${address}`,
    'Action: failed',
    'Status: 5.1.1',
    `Remote-MTA: dns; ${remoteMta}`,
    "Diagnostic-Code: smtp; 550-5.1.1 The email account that you tried to reach does not exist. Please try 550-5.1.1 double-checking the recipient's email address for typos or 550 5.1.1 unnecessary spaces. https://support.google.com/mail/?p=NoSuchUser - gsmtp",
    '',
    '--report--',
    '',
  ].join('\r\n')
}

async function bounce(address: string, at: Date, remoteMta?: string): Promise<void> {
  now = at
  await t.deliver(falseBounce(address, remoteMta), to)
}

async function listed(): Promise<string[]> {
  const rows = await t.sql`
    select address from suppression where tenant_id = ${tenantId} and list = 'bounces'
    order by address`
  return rows.map(({ address }) => address)
}

type Sum = { bounces: number; held: number; effects: ListEffect[] }

async function run(isRestored = false): Promise<Sum> {
  const chunks = revert(t.db, tenantId, wave, { by, isRestored, now: () => now })
  return sumOf(chunks)
}

async function sumOf(chunks: ReturnType<typeof revert>): Promise<Sum> {
  const sum: Sum = { bounces: 0, held: 0, effects: [] }
  for await (const { bounces, held, effects } of chunks) {
    sum.bounces += bounces
    sum.held += held
    sum.effects.push(...effects)
  }
  return sum
}

const genuine = [
  'before-and-in@gmail.com',
  'before@gmail.com',
  'by-hand@gmail.com',
  'elsewhere@example.com',
  'user0@gmail.com',
  'user4999@gmail.com',
  'user9999@gmail.com',
]
const isFalse = (effect: ListEffect) => effect.after === null

describe('10,000 people whom a provider said not to exist', { timeout: 120_000 }, () => {
  beforeAll(async () => {
    await bounce('before@gmail.com', new Date(since.getTime() - 30 * 24 * hour))
    await bounce('before-and-in@gmail.com', new Date(since.getTime() - hour))
    await bounce('before-and-in@gmail.com', new Date(since.getTime() + hour))
    await bounce('elsewhere@example.com', new Date(since.getTime() + hour), 'mx.example.com')
    now = new Date(since.getTime() + hour)
    for (let at = 0; at < 10_000; at += 100) {
      const users = Array.from({ length: 100 }, (_, n) => `user${at + n}@gmail.com`)
      await Promise.all(users.map((address) => t.deliver(falseBounce(address), to)))
    }
    // Some twice, in another transaction.
    await bounce('user17@gmail.com', new Date(since.getTime() + 2 * hour))
    await t.deliver(complaintAbout('user18@gmail.com'), to)
    const caller = { db: t.db, tenantId, by, scopes: [], erasure: t.deps.erasure, now }
    await bounce('by-hand@gmail.com', now)
    await add(caller, [
      { list: 'bounces', groupId: 0, address: 'by-hand@gmail.com', bounceClass: 'hard' },
    ])
    for (const n of [0, 4_999, 9_999]) {
      await bounce(`user${n}@gmail.com`, new Date(before.getTime() + hour))
    }
  }, 120_000)

  test('a dry run counts them and changes nothing', async () => {
    expect(await listed()).toHaveLength(10_004)
    const { bounces, effects } = await sumOf(revertDry(t.db, tenantId, wave, now))
    expect(bounces).toBe(10_003)
    expect(effects.filter(isFalse)).toHaveLength(9_997)
    expect(await listed()).toHaveLength(10_004)
  })

  test('one command leaves exactly the genuine ones', async () => {
    const { bounces, effects } = await run()
    expect(bounces).toBe(10_003)
    expect(effects.filter(isFalse)).toHaveLength(9_997)
    expect(await listed()).toEqual(genuine)
    expect(await wrongTotals(t.sql)).toEqual([])
  })

  test('those who bounced later came onto the list only then', async () => {
    const [row] = await t.sql`
      select created_at from suppression
      where tenant_id = ${tenantId} and address = 'user0@gmail.com'`
    expect(row?.['createdAt']).toEqual(new Date(before.getTime() + hour))
  })

  test('a complaint of the same hours stays', async () => {
    const rows = await t.sql`
      select address from suppression where tenant_id = ${tenantId} and list = 'spam_reports'`
    expect(rows).toEqual([{ address: 'user18@gmail.com' }])
  })

  test('other systems hear of each who left, and the audit trail has them', async () => {
    const [events] = await t.sql`
      select count(*)::int as removed from outbox
      where tenant_id = ${tenantId} and change = 'removed'`
    expect(events?.['removed']).toBe(9_997)
    const [audited] = await t.sql`
      select count(*)::int as entries, min(detail ->> 'reverted') as provider from audit_entry
      where tenant_id = ${tenantId} and action = 'message.replay'`
    expect(audited).toEqual({ entries: 10_003, provider: 'google' })
  })

  test('to ask again changes nothing, and no replay brings them back', async () => {
    expect(await run()).toEqual({ bounces: 0, held: 0, effects: [] })
    const deps = { ...t.deps, findDomain: createDomainDirectory(t.db) }
    const { read, replayed } = await replayAll(deps, tenantId, { since, before })
    expect(read).toBe(10_005)
    expect(replayed).toEqual([])
    expect(await listed()).toEqual(genuine)
  })

  test('a revert of the wrong hours can be taken back', async () => {
    const { bounces } = await run(true)
    expect(bounces).toBe(10_003)
    expect(await listed()).toHaveLength(10_004)
    await run()
    expect(await listed()).toEqual(genuine)
    expect(await wrongTotals(t.sql)).toEqual([])
  })
})

describe('a wave that the storm breaker held back for the most part', { timeout: 120_000 }, () => {
  const people = Array.from({ length: 10_000 }, (_, n) => `user${n}@gmail.com`)
  const everything = { from: null, before: null, provider: null }

  beforeAll(async () => {
    tenantId = (await t.addTenant('acme with a breaker')).tenantId
    await t.addDomain('breaker.test', tenantId, 'any')
    await t.sql`
      insert into feedback (tenant_id, feedback_id, kind, recipient, reported_at, origin)
      values (${tenantId}, '00000000-0000-7000-8000-000000000000', 'bounce', 'first@example.com',
        ${new Date(since.getTime() - 30 * 24 * hour)}, 'report')`
    now = new Date(since.getTime() + hour)
    for (let at = 0; at < people.length; at += 500) {
      const some = people.slice(at, at + 500).map((address) => ({ to: address }))
      const report = bounceOf(some).replaceAll('mx.example.org', 'gmail-smtp-in.l.google.com')
      await t.deliver(report, 'bounces@breaker.test')
    }
    now = new Date(since.getTime() + 2 * hour)
  }, 120_000)

  const states = async () => {
    const rows = await t.sql<{ state: string; reports: number }[]>`
      select coalesce(withdrawn_by, 'counts') as state, count(*)::int as reports
      from feedback
      where tenant_id = ${tenantId} and recipient like 'user%' group by 1`
    return Object.fromEntries(rows.map(({ state, reports }) => [state, reports]))
  }

  test('a dry run tells those that count from those that wait', async () => {
    expect(await states()).toEqual({ counts: 1_000, storm: 9_000 })
    const { bounces, held, effects } = await sumOf(revertDry(t.db, tenantId, wave, now))
    expect([bounces, held, effects.length]).toEqual([1_000, 9_000, 1_000])
  })

  test('nobody of it is left, nor can be applied by mistake', async () => {
    const { bounces, held } = await run()
    expect([bounces, held]).toEqual([1_000, 9_000])
    expect(await listed()).toEqual([])
    expect(await decideHolds(t.db, tenantId, everything, 'apply', by)).toMatchObject({ reports: 0 })
    expect(await listed()).toEqual([])
    expect(await wrongTotals(t.sql)).toEqual([])
  })

  test('to take that back lets each part do what it did before', async () => {
    const { bounces, held } = await run(true)
    expect([bounces, held]).toEqual([1_000, 9_000])
    expect(await states()).toEqual({ counts: 1_000, storm: 9_000 })
    expect(await listed()).toHaveLength(1_000)
    await decideHolds(t.db, tenantId, everything, 'apply', by)
    expect(await listed()).toHaveLength(10_000)
    const again = await run()
    expect([again.bounces, again.held]).toEqual([10_000, 0])
    expect(await listed()).toEqual([])
  })
})
