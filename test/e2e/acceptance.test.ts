import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RunningDaemon, startDaemon } from '../support/daemon.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { apiKey, bounces, get, listed, secret, spamReports } from './api.ts'
import { abuseReport, deliveryStatus, outOfOffice, send } from './mail.ts'

let database: TestDatabase
let daemon: RunningDaemon
const domain = 'bounce.shop.example'
const feedbackAddress = `bounces@${domain}`

beforeAll(async () => {
  database = await createTestDatabase({ migrated: false })
  daemon = await startDaemon({
    DATABASE_URL: database.url,
    HEARBACK_SECRET: secret,
    HEARBACK_BOOTSTRAP_TENANT: 'shop',
    HEARBACK_BOOTSTRAP_API_KEY: apiKey,
    HEARBACK_BOOTSTRAP_DOMAIN: domain,
  })
})

afterAll(async () => {
  await daemon?.stop()
  await database?.drop()
})

async function storedRows(): Promise<Record<string, number>> {
  const [row] = await database.sql<Record<string, number>[]>`
    select
      (select count(*)::int from received_message) as messages,
      (select count(*)::int from feedback) as feedback,
      (select count(*)::int from suppression) as suppressions,
      (select count(*)::int from outbox) as events`
  return { ...row }
}

test('a bounce of two recipients puts both onto the list, with class, status and reason', async () => {
  const before = Math.floor(Date.now() / 1000)
  const report = deliveryStatus([
    {
      address: 'Gone@customer.example',
      status: '5.1.1',
      said: '550 5.1.1 <gone@customer.example>: Recipient address rejected: User unknown',
    },
    { address: 'full@customer.example', status: '5.2.2', said: '552 5.2.2 Mailbox full' },
  ])
  expect(await send(daemon, feedbackAddress, report)).toMatchObject({ code: 250 })

  const list = await bounces(daemon)
  expect(list.map(({ created, ...rest }) => rest).sort(byEmail)).toEqual([
    {
      email: 'full@customer.example',
      bounce_type: 'soft',
      status: '5.2.2',
      reason: expect.stringContaining('552 5.2.2 Mailbox full'),
    },
    {
      email: 'gone@customer.example',
      bounce_type: 'hard',
      status: '5.1.1',
      reason: expect.stringContaining('User unknown'),
    },
  ])
  for (const { created } of list) expect(created).toBeGreaterThanOrEqual(before)
  const alone = await get(daemon, '/v3/suppression/bounces/gone@customer.example')
  expect(alone).toEqual({ status: 200, body: [list.find(({ email }) => email.startsWith('gone'))] })
})

test('the same bytes again change nothing, also behind another relay', async () => {
  const report = deliveryStatus([{ address: 'again@customer.example' }])
  await send(daemon, feedbackAddress, report)
  const rows = await storedRows()
  const list = await bounces(daemon)
  const received = 'Received: from relay.example (relay.example [192.0.2.7])\r\n\tby mx; now\r\n'

  const replies = [
    await send(daemon, feedbackAddress, report),
    await send(daemon, feedbackAddress, received + report),
    await send(daemon, feedbackAddress, `Return-Path: <>\r\n${received}${report}`),
    await send(daemon, feedbackAddress.toUpperCase(), report),
  ]

  expect(replies.map(({ code }) => code)).toEqual([250, 250, 250, 250])
  expect(await storedRows()).toEqual(rows)
  expect(await bounces(daemon)).toEqual(list)
})

test('an abuse report puts its recipient onto the list of spam reports', async () => {
  await send(daemon, `fbl@${domain}`, abuseReport('angry@customer.example'))
  expect(await spamReports(daemon)).toEqual(['angry@customer.example'])
})

test.each([
  [
    'a delayed delivery',
    deliveryStatus([
      { address: 'slow@customer.example', action: 'delayed', status: '4.4.1', said: '451 later' },
    ]),
  ],
  ['an out-of-office reply', outOfOffice('away@customer.example')],
  ['random bytes', randomBytes(5_000)],
  ['nothing at all', ''],
  ['an ordinary mail', 'From: <jane@customer.example>\r\nSubject: hello\r\n\r\nHow are you?\r\n'],
])('%s is taken and lands on no list', async (_, data) => {
  const before = await listed(daemon)
  const { messages = 0 } = await storedRows()

  expect(await send(daemon, feedbackAddress, data)).toMatchObject({ code: 250 })

  expect(await listed(daemon)).toEqual(before)
  expect(await storedRows()).toMatchObject({ messages: messages + 1 })
})

test('values that PostgreSQL refuses are kept aside with 250, and the queue goes on', async () => {
  const poison = deliveryStatus([
    { address: 'poison@customer.example', said: '550 5.1.1 \0 unknown \ud800' },
  ])
  const sane = deliveryStatus([{ address: 'sane@customer.example' }])
  const replies = await Promise.all(
    [poison, sane, poison.replace('\0', '')].map((data) => send(daemon, feedbackAddress, data)),
  )
  expect(replies.map(({ code }) => code)).toEqual([250, 250, 250])
  expect((await bounces(daemon)).map(({ email }) => email)).toContain('sane@customer.example')
})

test('a row that PostgreSQL refuses is kept aside too, and what came with it is stored', async () => {
  await database.sql`
    alter table feedback add constraint refused check (recipient <> 'refused@customer.example')`
  const addresses = ['refused', 'beside-1', 'beside-2'].map((name) => `${name}@customer.example`)
  const replies = await Promise.all(
    addresses.map((address) => send(daemon, feedbackAddress, deliveryStatus([{ address }]))),
  )
  expect(replies.map(({ code }) => code)).toEqual([250, 250, 250])
  const emails = (await bounces(daemon)).map(({ email }) => email)
  expect(addresses.map((address) => emails.includes(address))).toEqual([false, true, true])
  const kept = await database.sql`
    select m.outcome_reason, octet_length(r.raw) > 100 as has_raw
    from received_message as m join raw_message as r using (tenant_id, mail_id)
    where m.outcome = 'quarantined' and m.outcome_reason = 'unstorable'`
  expect([...kept]).toEqual([{ outcomeReason: 'unstorable', hasRaw: true }])
  expect(daemon.stderr()).toContain('23514')
})

test('without a valid key there is no answer about anybody', async () => {
  const { status, body } = await get(daemon, '/v3/suppression/bounces', `${apiKey.slice(0, -1)}x`)
  expect(status).toBe(401)
  expect(JSON.stringify(body)).not.toContain('@')
})

test('the logs name no recipient and no key', () => {
  const said = daemon.stdout() + daemon.stderr()
  expect(said).toContain('message received')
  expect(said).not.toContain('@customer.example')
  expect(said).not.toContain(apiKey)
  expect(said).not.toContain(secret)
})

function byEmail(a: { email: string }, b: { email: string }): number {
  return a.email < b.email ? -1 : 1
}
