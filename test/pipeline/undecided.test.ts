import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { TxtAnswer } from '../../src/attribute/dkim-resolver.ts'
import { dkimThreadDefaults } from '../../src/attribute/dkim-thread.ts'
import { createSenderVerifier, type SenderVerifier } from '../../src/attribute/verified-sender.ts'
import type { Pipeline } from '../../src/pipeline.ts'
import { claimUndecided } from '../../src/record/undecided-messages.ts'
import { replay } from '../../src/replay.ts'
import { decideUndecided } from '../../src/undecided.ts'
import { loops, reportText, rsaKeys, signed } from '../attribute/signed-mail.ts'
import { createTestPipeline, type TestPipeline } from '../support/pipeline.ts'

const start = new Date('2026-11-21T10:00:00Z').getTime()
const minuteMs = 60_000
const keys = rsaKeys()
const d = 'arf.provider.example'
const fbl = 'fbl@verified.example.com'

let now = new Date(start)
let isDnsUp = false
let asked = 0
let t: TestPipeline
let senders: SenderVerifier
let pipeline: Pipeline
let tenantId: number

beforeAll(async () => {
  t = await createTestPipeline(() => now)
  ;({ tenantId } = await t.addTenant('acme'))
  await t.addDomain('verified.example.com', tenantId, 'verified')
  const resolveTxt = async (): Promise<TxtAnswer> => {
    asked++
    return isDnsUp ? { result: 'found', texts: [keys.record] } : { result: 'failed' }
  }
  senders = createSenderVerifier({ loops, resolveTxt, thread: dkimThreadDefaults })
  // The setting that keeps the least.
  pipeline = t.another({ senders, raw: 'none' })
})
afterAll(async () => {
  await senders.close()
  await t.close()
})
beforeEach(async () => {
  now = new Date(start)
  isDnsUp = false
  await t.sql`delete from received_message`
})

const report = (recipient: string, keyPair = keys) =>
  signed(reportText({ recipient }), keyPair, { d })
const deliver = (message: string) => t.deliver(message, fbl, pipeline)

/** As the daemon does it, so many minutes after the mail came. */
async function decideAt(minutes: number): Promise<void> {
  now = new Date(start + minutes * minuteMs)
  await decideUndecided({ ...t.deps, senders })
}

async function stateOf(): Promise<unknown[]> {
  return [...(await t.sql`select outcome, outcome_reason from received_message`)]
}

async function listed(address: string): Promise<string[]> {
  const rows = await t.sql<{ list: string }[]>`
    select list from suppression where address = ${address}`
  return rows.map(({ list }) => list)
}

const waiting = { outcome: 'unattributed', outcomeReason: 'dkim-undecided' }

test('a complaint whose key could not be had counts as soon as it can', async () => {
  expect(await deliver(report('late@provider.example'))).toEqual([
    { result: 'unattributed', reason: 'dkim-undecided' },
  ])
  await decideAt(1)
  expect(await stateOf()).toEqual([waiting])
  expect((await t.deps.metrics.undecidedReports.get()).values[0]?.value).toBe(1)
  isDnsUp = true
  await decideAt(2)
  expect(await stateOf()).toEqual([{ outcome: 'recorded', outcomeReason: null }])
  expect(await listed('late@provider.example')).toEqual(['spam_reports'])
  expect((await t.deps.metrics.undecidedReports.get()).values[0]?.value).toBe(0)
  const events = await t.sql`
    select change from outbox where address = 'late@provider.example' order by outbox_id`
  expect(events.map(({ change }) => change)).toEqual(['feedback', 'added'])
  const [entry] = await t.sql`select actor_kind, action, address from audit_entry`
  expect(entry).toEqual({
    actorKind: 'daemon',
    action: 'message.replay',
    address: 'late@provider.example',
  })
})

test('one that proves false stays without effect, and is not looked at again', async () => {
  await deliver(report('victim@provider.example', rsaKeys()))
  isDnsUp = true
  await decideAt(1)
  expect(await stateOf()).toEqual([{ outcome: 'unattributed', outcomeReason: 'unverified-sender' }])
  asked = 0
  await decideAt(10)
  expect(asked).toBe(0)
  expect(await listed('victim@provider.example')).toEqual([])
})

test('it is tried at growing intervals, for a day', async () => {
  await deliver(report('open@provider.example'))
  const tries: number[] = []
  for (let minutes = 0; minutes <= 2_000; minutes += minutes < 20 ? 0.5 : 10) {
    asked = 0
    await decideAt(minutes)
    if (asked > 0) tries.push(minutes)
  }
  expect(tries).toEqual([1, 2, 4, 8, 16, 40, 80, 160, 320, 640, 1_280])
  expect(await stateOf()).toEqual([waiting])
})

test('who sends thousands of them waits for himself', async () => {
  await deliver(report('first@provider.example'))
  await t.sql`
    insert into received_message (
      tenant_id, received_message_id, mail_id, received_at, mail_from, rcpt_to, helo,
      remote_address, tls, size_bytes, outcome, outcome_reason)
    select
      tenant_id, gen_random_uuid(), gen_random_uuid(), received_at - interval '1 minute', mail_from,
      rcpt_to, helo, '203.0.113.9', tls, size_bytes, outcome, outcome_reason
    from received_message, generate_series(1, 3000)`
  now = new Date(start + minuteMs)
  const claimed = await t.db.transaction((sql) => claimUndecided(sql, now, 2))
  const addresses = await t.sql`
    select remote_address from received_message
    where received_message_id = any(${claimed.map((one) => one.receivedMessageId)}::uuid[])
    order by remote_address`
  expect(addresses.map(({ remoteAddress }) => remoteAddress)).toEqual(['192.0.2.1', '203.0.113.9'])
})

test('a replay of one whose bytes are gone leaves it open', async () => {
  await deliver(report('purged@provider.example'))
  await t.sql`delete from raw_message`
  isDnsUp = true
  const query = { outcomes: ['unattributed'] as const, since: null, before: null, provider: null }
  const by = {
    actor: { kind: 'command', id: 'test', name: null },
    reason: null,
    requestId: null,
  } as const
  for await (const chunk of replay({ ...t.deps, senders }, tenantId, query, by)) {
    expect(chunk.replayed).toEqual([])
  }
  await decideAt(1)
  expect(await stateOf()).toEqual([waiting])
})
