import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RunningDaemon, startDaemon } from '../support/daemon.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { apiKey, bounces, secret } from './api.ts'
import { deliveryStatus, send } from './mail.ts'

let database: TestDatabase
let daemons: RunningDaemon[] = []
const domain = 'bounce.shop.example'

beforeAll(async () => {
  database = await createTestDatabase({ migrated: false })
  const env = {
    DATABASE_URL: database.url,
    HEARBACK_SECRET: secret,
    HEARBACK_BOOTSTRAP_API_KEY: apiKey,
    HEARBACK_BOOTSTRAP_DOMAIN: domain,
  }
  // At once, on an empty database: both migrate, both make the tenant.
  daemons = await Promise.all([startDaemon(env), startDaemon(env)])
})

afterAll(async () => {
  await Promise.all(daemons.map((daemon) => daemon.stop()))
  await database?.drop()
})

function daemon(number: number): RunningDaemon {
  const one = daemons[number % daemons.length]
  if (!one) throw new Error('no daemon')
  return one
}

async function rowsOf(recipient: string): Promise<{ feedback: number; events: number }> {
  const [row] = await database.sql<{ feedback: number; events: number }[]>`
    select
      (select count(*)::int from feedback where recipient = ${recipient}) as feedback,
      (select count(*)::int from outbox where address = ${recipient}) as events`
  return { feedback: row?.feedback ?? 0, events: row?.events ?? 0 }
}

test('two daemons that start at once on an empty database share one tenant and one domain', async () => {
  const [row] = await database.sql`
    select (select count(*)::int from tenant) as tenants,
      (select count(*)::int from inbound_domain) as domains,
      (select count(*)::int from api_key) as keys,
      (select count(*)::int from signing_key) as signing_keys`
  expect(row).toEqual({ tenants: 1, domains: 1, keys: 1, signingKeys: 1 })
})

test('a report that comes six times at once, at two daemons, counts once', async () => {
  for (let round = 0; round < 5; round++) {
    const recipient = `at-once-${round}@customer.example`
    const report = deliveryStatus([{ address: recipient }])
    const replies = await Promise.all(
      [0, 1, 2, 3, 4, 5].map((index) =>
        send(daemon(index), `bounces@${domain}`, `Received: from mx${index}; now\r\n${report}`),
      ),
    )
    expect(replies.map(({ code }) => code)).toEqual([250, 250, 250, 250, 250, 250])
    expect(await rowsOf(recipient)).toEqual({ feedback: 1, events: 2 })
  }
  const atOne = await bounces(daemon(0))
  expect(atOne).toHaveLength(5)
  expect(await bounces(daemon(1))).toEqual(atOne)
})

test('a forged mail with the Message-ID of a report to come does not hide it', async () => {
  const report = deliveryStatus([{ address: 'hidden@customer.example' }])
  const messageId = /^Message-ID: .*$/m.exec(report)?.[0]
  await send(daemon(0), `bounces@${domain}`, `${messageId}\r\nSubject: hello\r\n\r\nhello\r\n`)
  await send(daemon(1), `bounces@${domain}`, report)
  expect(await rowsOf('hidden@customer.example')).toEqual({ feedback: 1, events: 2 })
})

test('two bounces of one address are two events and one entry', async () => {
  const address = 'twice@customer.example'
  await send(daemon(0), `bounces@${domain}`, deliveryStatus([{ address, status: '4.2.2' }]))
  await send(daemon(1), `bounces@${domain}`, deliveryStatus([{ address }]))
  expect((await rowsOf(address)).feedback).toBe(2)
  const entries = (await bounces(daemon(0))).filter(({ email }) => email === address)
  expect(entries).toHaveLength(1)
  expect(entries[0]).toMatchObject({ bounce_type: 'hard', status: '5.1.1' })
})
