import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sealToken } from '../../src/attribute/sealed-token.ts'
import type { SigningKey } from '../../src/attribute/signing-key.ts'
import { tokenDay } from '../../src/attribute/token-day.ts'
import { add } from '../../src/http/v3/add.ts'
import { removeAll, removeOne } from '../../src/http/v3/remove.ts'
import { importFile } from '../../src/import.ts'
import type { Pipeline } from '../../src/pipeline.ts'
import { release } from '../../src/release.ts'
import {
  bounceOf,
  complaintAbout,
  createTestPipeline,
  type TestPipeline,
} from '../support/pipeline.ts'
import { brief, by, quota, replayAll, rulesWithFaults, unknown, wrongTotals } from './replaying.ts'

const day = 86_400_000
const start = new Date('2026-11-21T10:00:00Z')
const to = 'bounces@bounces.test'
const list = { list: 'bounces', groupId: 0 } as const
let now = start
let t: TestPipeline
/** By rules with faults. */
let yesterday: Pipeline
let tenantId: number
let key: SigningKey

beforeAll(async () => {
  t = await createTestPipeline(() => now)
  ;({ tenantId, key } = await t.addTenant('acme'))
  await t.addDomain('bounces.test', tenantId, 'any')
  yesterday = t.another({ rules: rulesWithFaults() })
})
afterAll(() => t.close())

function caller() {
  return { db: t.db, tenantId, by, scopes: [], erasure: t.deps.erasure, now }
}

/** A file of one line. */
async function importHard(address: string) {
  const target = { ...list, bounceClass: 'hard' as const }
  const order = { tenantId, by, target, format: null, tellsEach: false }
  return importFile(t.deps, order, Readable.from([Buffer.from(`email\n${address}\n`)]))
}

async function entry(address: string) {
  const [row] = await t.sql`
    select bounce_class, origin, reason, created_at, expires_at,
      nullif(suppresses_until, 'infinity') as until
    from suppression
    where tenant_id = ${tenantId} and address = ${address} and list = 'bounces'`
  return row ?? null
}

async function eventsOf(address: string): Promise<string[]> {
  const rows = await t.sql`
    select change
    from outbox
    where tenant_id = ${tenantId} and address = ${address}
    order by written_at, outbox_id`
  return rows.map(({ change }) => change)
}

describe('rules that got better', () => {
  test('a dry run says what would change and changes nothing; the run does just that', async () => {
    now = new Date(start.getTime() + day)
    await t.deliver(bounceOf([{ to: 'full@example.com', ...quota }]), to, yesterday)
    await t.deliver(bounceOf([{ to: 'gone@example.com', ...unknown }]), to, yesterday)
    await t.deliver(bounceOf([{ to: 'same@example.com' }]), to, yesterday)
    expect(await entry('full@example.com')).toMatchObject({ bounceClass: 'hard', until: null })
    expect(await entry('gone@example.com')).toMatchObject({ bounceClass: 'soft' })
    const expected = [
      { address: 'full@example.com', change: ['hard', 'soft'], listed: ['hard', 'soft'] },
      { address: 'gone@example.com', change: ['soft', 'hard'], listed: ['soft', 'hard'] },
    ]
    expect(brief(await replayAll(t.deps, tenantId, { isDry: true }))).toEqual(expected)
    expect(await entry('full@example.com')).toMatchObject({ bounceClass: 'hard' })
    expect(brief(await replayAll(t.deps, tenantId))).toEqual(expected)
    expect(await entry('full@example.com')).toMatchObject({
      bounceClass: 'soft',
      createdAt: now,
      until: new Date(now.getTime() + 14 * day),
    })
    expect(await entry('gone@example.com')).toMatchObject({ bounceClass: 'hard', until: null })
  })

  test('to run it again changes nothing', async () => {
    const again = await replayAll(t.deps, tenantId)
    expect(again).toMatchObject({ read: 3, replayed: [], unstorable: 0 })
  })

  test('history shows the new verdict once, and keeps the old one aside', async () => {
    const rows = await t.sql`
      select bounce_class, withdrawn_by
      from feedback
      where tenant_id = ${tenantId} and recipient = 'full@example.com'
      order by feedback_id`
    expect(rows).toEqual([
      { bounceClass: 'hard', withdrawnBy: 'replay' },
      { bounceClass: 'soft', withdrawnBy: null },
    ])
  })

  test('each changed verdict stands in the audit trail, without the words of the report', async () => {
    const rows = await t.sql`
      select action, address, actor_kind, detail::text
      from audit_entry
      where tenant_id = ${tenantId} and address = 'full@example.com'`
    expect(rows).toMatchObject([{ action: 'message.replay', actorKind: 'command' }])
    expect(JSON.parse(rows[0]?.['detail'])).toMatchObject({
      before: { bounce_type: 'hard', classification: 'user-unknown', rule: 'too-quick' },
      after: { bounce_type: 'soft', classification: 'mailbox-full' },
    })
  })
})

describe('what the old verdict alone caused goes; what else there is stands', () => {
  const wrong = (address: string) => t.deliver(bounceOf([{ to: address, ...quota }]), to, yesterday)

  test('a genuine hard bounce of the same address keeps it listed as hard', async () => {
    now = new Date(start.getTime() + 2 * day)
    await wrong('twice@example.com')
    now = new Date(start.getTime() + 3 * day)
    await t.deliver(bounceOf([{ to: 'twice@example.com' }]), to)
    const { replayed } = await replayAll(t.deps, tenantId)
    expect(replayed).toHaveLength(1)
    expect(await entry('twice@example.com')).toMatchObject({
      bounceClass: 'hard',
      until: null,
      reason: '550 5.1.1 User unknown',
      createdAt: new Date(start.getTime() + 2 * day),
    })
  })

  test('what has lapsed meanwhile leaves the list, and other systems hear of it', async () => {
    now = new Date(start.getTime() + 4 * day)
    await wrong('long-ago@example.com')
    now = new Date(start.getTime() + 40 * day)
    expect(brief(await replayAll(t.deps, tenantId, { isDry: true }))).toEqual([
      { address: 'long-ago@example.com', change: ['hard', 'soft'], listed: ['hard', null] },
    ])
    await replayAll(t.deps, tenantId)
    expect(await entry('long-ago@example.com')).toBeNull()
    expect(await eventsOf('long-ago@example.com')).toEqual([
      'feedback',
      'added',
      'feedback',
      'removed',
    ])
  })

  test('an entry that a client added stays until it is removed', async () => {
    await wrong('by-hand@example.com')
    await add(caller(), [{ ...list, address: 'by-hand@example.com', bounceClass: 'soft' }])
    expect(await entry('by-hand@example.com')).toMatchObject({ bounceClass: 'hard' })
    await replayAll(t.deps, tenantId)
    expect(await entry('by-hand@example.com')).toMatchObject({
      bounceClass: 'soft',
      until: null,
      expiresAt: null,
      origin: 'api',
    })
  })

  test('what a file says too outlives the report that said it first', async () => {
    await wrong('imported@example.com')
    const before = await entry('imported@example.com')
    expect(await importHard('imported@example.com')).toMatchObject({ imported: 0, skipped: 1 })
    expect(await entry('imported@example.com')).toEqual({ ...before, origin: 'import' })
    expect(await importHard('imported@example.com')).toMatchObject({ imported: 0, skipped: 1 })
    await replayAll(t.deps, tenantId)
    expect(await entry('imported@example.com')).toMatchObject({ bounceClass: 'hard', until: null })
    const told = await t.sql`
      select origin from feedback where recipient = 'imported@example.com' and withdrawn_at is null
      order by origin`
    expect(told.map(({ origin }) => origin)).toEqual(['import', 'report'])
  })

  test('so does what a file said before any report', async () => {
    expect(await importHard('file-first@example.com')).toMatchObject({ imported: 1 })
    await wrong('file-first@example.com')
    await replayAll(t.deps, tenantId)
    expect(await entry('file-first@example.com')).toMatchObject({
      bounceClass: 'hard',
      until: null,
    })
  })

  test('complaints and unsubscribes of the address are another matter', async () => {
    await wrong('also@example.com')
    await t.deliver(complaintAbout('also@example.com'), to)
    await replayAll(t.deps, tenantId)
    const lists = await t.sql`
      select list from suppression where tenant_id = ${tenantId} and address = 'also@example.com'
      order by list`
    expect(lists.map((row) => row['list'])).toEqual(['bounces', 'spam_reports'])
  })
})

describe('what people took off a list does not come back', () => {
  test('an address that was removed after its report', async () => {
    await t.deliver(bounceOf([{ to: 'removed@example.com', ...unknown }]), to, yesterday)
    now = new Date(now.getTime() + 1000)
    await removeOne(caller(), list, 'removed@example.com')
    expect(brief(await replayAll(t.deps, tenantId, { isDry: true }))).toEqual([
      { address: 'removed@example.com', change: ['soft', 'hard'], listed: null },
    ])
    await replayAll(t.deps, tenantId)
    expect(await entry('removed@example.com')).toBeNull()
  })

  test('a list that was emptied; what was reported later comes', async () => {
    await t.deliver(bounceOf([{ to: 'emptied@example.com', ...unknown }]), to, yesterday)
    now = new Date(now.getTime() + 1000)
    await removeAll(caller(), list)
    now = new Date(now.getTime() + 1000)
    await t.deliver(bounceOf([{ to: 'later@example.com', ...unknown }]), to, yesterday)
    await replayAll(t.deps, tenantId)
    expect(await entry('emptied@example.com')).toBeNull()
    expect(await entry('later@example.com')).toMatchObject({ bounceClass: 'hard' })
  })
})

describe('mail that was not believed or not understood', () => {
  test('mail of the platform goes to the tenant whose token is found in it today', async () => {
    await t.addDomain('platform.example.com', null, 'signed')
    const seal = sealToken(key, {
      purpose: 'reference',
      tenantId,
      day: tokenDay(now),
      groupId: null,
      groupsToDisplay: [],
      messageReference: null,
      recipient: 'moved@example.com',
    })
    const raw = bounceOf([{ to: 'moved@example.com' }], { returned: `X-Hearback-Ref: ${seal}` })
    await t.deliver(raw, 'fbl@platform.example.com')
    // As if nobody had looked for the token when it came.
    const [stored] = await t.sql`
      select received_message_id as id, mail_id from received_message
      where rcpt_to = 'fbl@platform.example.com'`
    await t.sql`delete from suppression where address = 'moved@example.com'`
    await t.sql`delete from suppression_count where tenant_id = ${tenantId}`
    await t.sql`
      insert into suppression_count (tenant_id, list, group_id, slot, entries)
      select tenant_id, list, group_id, 0, count(*) from suppression group by 1, 2, 3`
    await t.sql`delete from feedback where recipient = 'moved@example.com'`
    await t.sql`delete from message_digest where tenant_id = ${tenantId}`
    await t.sql`
      update received_message set tenant_id = 0, outcome = 'unattributed', report = null
      where received_message_id = ${stored?.['id']}`
    await t.sql`
      insert into raw_message (tenant_id, mail_id, received_at, raw)
      values (0, ${stored?.['mailId']}, ${now}, ${Buffer.from(raw)})`
    const { replayed } = await replayAll(t.deps, 0)
    expect(replayed).toMatchObject([
      { tenantId, change: { before: { outcome: 'unattributed' }, after: { outcome: 'recorded' } } },
    ])
    expect(await entry('moved@example.com')).toMatchObject({ bounceClass: 'hard' })
    const rows = await t.sql`
      select m.tenant_id, m.outcome, r.tenant_id as raw_tenant
      from received_message as m left join raw_message as r using (mail_id)
      where m.received_message_id = ${stored?.['id']}`
    expect(rows).toEqual([{ tenantId, outcome: 'recorded', rawTenant: tenantId }])
    // The same mail once more is told to be the same.
    expect(await t.deliver(raw, 'fbl@platform.example.com')).toEqual([{ result: 'duplicate' }])
  })

  test('what somebody vouched for is not asked for evidence again, but classified by new rules', async () => {
    await t.addDomain('signed.example.com', tenantId, 'signed')
    const raw = bounceOf([{ to: 'vouched@example.com', ...quota }, { to: 'not@example.com' }])
    await t.deliver(raw, 'bounces@signed.example.com')
    const [stored] = await t.sql`
      select received_message_id as id from received_message
      where rcpt_to = 'bounces@signed.example.com'`
    const waiting = { tenantId, ownerId: tenantId, receivedMessageId: stored?.['id'] }
    const vouched = { recipients: ['vouched@example.com'], by }
    const asOfYesterday = { ...t.deps, rules: rulesWithFaults() }
    expect(await release(asOfYesterday, waiting, vouched)).toMatchObject({ result: 'released' })
    expect(await entry('vouched@example.com')).toMatchObject({ bounceClass: 'hard' })
    expect(brief(await replayAll(t.deps, tenantId))).toEqual([
      { address: 'vouched@example.com', change: ['hard', 'soft'], listed: ['hard', 'soft'] },
    ])
    expect(await entry('not@example.com')).toBeNull()
  })

  test('an unsubscribe that is found late counts, unless the recipient came back since', async () => {
    const request = (recipient: string) => {
      const content = { purpose: 'unsubscribe', tenantId, day: tokenDay(now), recipient } as const
      const seal = sealToken(key, {
        ...content,
        groupId: null,
        groupsToDisplay: [],
        messageReference: null,
      })
      return `From: ${recipient}\r\nSubject: unsubscribe ${seal}\r\n\r\nunsubscribe`
    }
    for (const name of ['leaves', 'returns']) {
      const address = `${name}@example.com`
      await t.deliver(request(address), 'unsubscribe@signed.example.com', undefined, address)
    }
    await t.sql`delete from suppression where list = 'global_unsubscribes'`
    await t.sql`delete from suppression_count where list = 'global_unsubscribes'`
    await t.sql`delete from feedback where kind = 'unsubscribe'`
    await t.sql`
      update received_message set outcome = 'unattributed'
      where rcpt_to = 'unsubscribe@signed.example.com'`
    await t.sql`
      insert into feedback (
        tenant_id, feedback_id, kind, recipient, reported_at, origin, token_expired, via)
      values (${tenantId}, gen_random_uuid(), 'resubscribe', 'returns@example.com',
        ${new Date(now.getTime() + 1)}, 'recipient', false, 'undo')`
    await replayAll(t.deps, tenantId)
    const rows = await t.sql`select address from suppression where list = 'global_unsubscribes'`
    expect(rows).toEqual([{ address: 'leaves@example.com' }])
  })

  test('what is kept neither as bytes nor as report is skipped, and said to be', async () => {
    await t.deliver('Subject: ?\r\n\r\nnobody knows', to)
    await t.sql`delete from raw_message`
    await t.sql`update received_message set report = null where outcome = 'quarantined'`
    const { undecidable } = await replayAll(t.deps, tenantId, { outcomes: ['quarantined'] })
    expect(undecidable).toEqual(['nothing-kept'])
  })
})

test('mail that comes in meanwhile is neither lost nor counted twice', async () => {
  const addresses = Array.from({ length: 40 }, (_, n) => `busy${n}@example.com`)
  const wrong = addresses.map((to) => bounceOf([{ to, ...quota }]))
  await Promise.all(wrong.map((raw) => t.deliver(raw, to, yesterday)))
  now = new Date(now.getTime() + 20 * day)
  const genuine = addresses.map((to, n) => bounceOf([{ to }], { fields: `X-N: ${n}` }))
  await Promise.all([
    replayAll(t.deps, tenantId),
    replayAll(t.deps, tenantId),
    ...genuine.map((raw) => t.deliver(raw, to)),
  ])
  const rows = await t.sql`
    select count(*)::int as listed, count(*) filter (where bounce_class = 'hard')::int as hard
    from suppression
    where tenant_id = ${tenantId} and starts_with(address, 'busy')`
  expect(rows).toEqual([{ listed: 40, hard: 40 }])
  const told = await t.sql`
    select recipient from feedback
    where tenant_id = ${tenantId} and starts_with(recipient, 'busy') and withdrawn_at is null
    group by recipient having count(*) <> 2`
  expect(told).toEqual([])
})

test('totals of the lists stay right', async () => {
  expect(await wrongTotals(t.sql)).toEqual([])
})
