import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { type Daemon, startDaemon } from '../../src/daemon.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { bounceOf } from '../support/pipeline.ts'
import { connectSmtp } from '../support/smtp-client.ts'

let database: TestDatabase
let daemon: Daemon

beforeAll(async () => {
  database = await createTestDatabase()
  const config = readConfig({
    DATABASE_URL: database.url,
    HEARBACK_SECRET: 'a secret of the tests, long enough',
    HEARBACK_BOOTSTRAP_API_KEY: 'hb_live_0123456789abcdef0123456789abcdef01234567',
    HEARBACK_BOOTSTRAP_DOMAIN: 'bounces.test',
    HEARBACK_TRUST_PROXY: '127.0.0.1',
    HEARBACK_SMTP_PORT: '0',
    HEARBACK_HTTP_PORT: '0',
    HEARBACK_ADMIN_PORT: '0',
  })
  daemon = await startDaemon(config, pino({ level: 'silent' }))
})
afterAll(async () => {
  await daemon.close()
  await database.drop()
})

const socketCount = 40
const requestsAhead = 15

/** Nobody’s key, from an address that has never asked before. */
function strangersRequest(): string {
  const address = `2001:db8:${randomBytes(2).toString('hex')}:${randomBytes(2).toString('hex')}::1`
  return [
    'GET /v3/suppression/bounces HTTP/1.1',
    'Host: hearback.test',
    `Authorization: Bearer hb_live_${randomBytes(20).toString('hex')}`,
    `X-Forwarded-For: ${address}`,
    '\r\n',
  ].join('\r\n')
}

async function openFlood(): Promise<{ socket: Socket; statuses: () => string[] }[]> {
  return Promise.all(
    Array.from({ length: socketCount }, async () => {
      const socket = connect(daemon.http.port, daemon.http.host).on('error', () => undefined)
      let text = ''
      socket.setEncoding('latin1').on('data', (chunk: string) => {
        text += chunk
      })
      await once(socket, 'connect')
      socket.write(Array.from({ length: requestsAhead }, strangersRequest).join(''))
      const statuses = () =>
        [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status = '']) => status)
      return { socket, statuses }
    }),
  )
}

async function bounce(address: string): Promise<number> {
  const client = await connectSmtp(daemon.smtp)
  await client.command('EHLO mx.example.net')
  const data = bounceOf([{ to: address }])
  const reply = await client.sendMessage({ mailFrom: '', rcptTo: ['bounces@bounces.test'], data })
  await client.close()
  return reply.code
}

test('strangers who keep every connection of the API busy do not keep mail out', async () => {
  const names = Array.from({ length: 20 }, (_, n) => `during-${n}@customer.example`)
  let flood: Awaited<ReturnType<typeof openFlood>> = []
  await database.sql.begin(async (sql) => {
    await sql`lock table api_key in access exclusive mode`
    flood = await openFlood()
    // Each waits for the lock, until it is given up.
    await expect.poll(() => waitingForLocks(), { timeout: 10_000 }).toBe(10)
    const codes: number[] = []
    for (const name of names) codes.push(await bounce(name))
    expect(codes).toEqual(names.map(() => 250))
  })
  const rows = await database.sql`select 1 from feedback where recipient = any(${names})`
  expect(rows).toHaveLength(names.length)

  await expect
    .poll(() => flood.map(({ statuses }) => statuses().length), { timeout: 20_000 })
    .toEqual(flood.map(() => requestsAhead))
  const statuses = new Set(flood.flatMap((each) => each.statuses()))
  expect([...statuses].filter((status) => !['401', '503'].includes(status))).toEqual([])
  for (const { socket } of flood) socket.destroy()
})

async function waitingForLocks(): Promise<number> {
  const rows = await database.sql`
    select 1 from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'`
  return rows.length
}
