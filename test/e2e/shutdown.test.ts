import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { type RunningDaemon, startDaemon } from '../support/daemon.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { connectSmtp } from '../support/smtp-client.ts'
import { apiKey, secret } from './api.ts'
import { startLoad } from './load.ts'
import { deliveryStatus } from './mail.ts'

let database: TestDatabase
const domain = 'bounce.shop.example'
const rcptTo = `bounces@${domain}`

beforeAll(async () => {
  database = await createTestDatabase()
})

afterAll(() => database.drop())

async function start(): Promise<RunningDaemon> {
  const daemon = await startDaemon({
    DATABASE_URL: database.url,
    HEARBACK_SECRET: secret,
    HEARBACK_BOOTSTRAP_API_KEY: apiKey,
    HEARBACK_BOOTSTRAP_DOMAIN: domain,
  })
  onTestFinished(async () => void (await daemon.kill()))
  return daemon
}

async function stored(): Promise<Set<string>> {
  const rows = await database.sql<{ recipient: string }[]>`select recipient from feedback`
  return new Set(rows.map(({ recipient }) => recipient))
}

test.each(['first', 'second'])(
  'SIGTERM under load (%s time): every 250 is stored, and the exit code is 0',
  async (name) => {
    const daemon = await start()
    const load = startLoad(daemon, { rcptTo, clients: 8, name })
    await load.more(100)

    const exit = await daemon.stop()
    await load.end()

    expect(exit).toEqual({ code: 0, signal: null })
    const rows = await stored()
    expect(load.acknowledged.filter((recipient) => !rows.has(recipient))).toEqual([])
    const own = [...rows].filter((recipient) => recipient.startsWith(name))
    expect(own.length - load.acknowledged.length).toBeLessThanOrEqual(8)
    for (const reply of load.refused) expect(reply).toMatch(/^(?:421|451) 4\./)
  },
)

test('clients that never end cannot keep the daemon from ending within ten seconds', async () => {
  const daemon = await start()
  const idle = await connectSmtp(daemon.smtp)
  const endless = await connectSmtp(daemon.smtp)
  await endless.command('EHLO client.example')
  await endless.command('MAIL FROM:<>')
  await endless.command(`RCPT TO:<${rcptTo}>`)
  await endless.command('DATA')
  const drip = setInterval(() => endless.write(`X-Line: ${'x'.repeat(500)}\r\n`), 50)
  onTestFinished(() => clearInterval(drip))
  const request = connect(daemon.http.port, daemon.http.host)
  await once(request, 'connect')
  request.on('error', () => undefined)
  request.write('POST /v3/suppression/bounces HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n')

  const startedAt = performance.now()
  const farewell = idle.reply()
  const exit = await daemon.stop()

  expect(exit).toEqual({ code: 0, signal: null })
  expect(performance.now() - startedAt).toBeLessThan(10_000)
  expect((await farewell).code).toBe(421)
  await Promise.all([idle.closed, endless.closed])
})

test('a message whose data is under way at SIGTERM still gets its 250', async () => {
  const daemon = await start()
  const client = await connectSmtp(daemon.smtp)
  await client.command('EHLO client.example')
  await client.command('MAIL FROM:<>')
  await client.command(`RCPT TO:<${rcptTo}>`)
  await client.command('DATA')
  const data = deliveryStatus([{ address: 'under-way@customer.example' }])
  client.write(data.slice(0, 200))
  const exit = daemon.stop()
  await readiness(daemon, 503)
  client.write(`${data.slice(200)}.\r\n`)

  expect((await client.reply()).code).toBe(250)
  expect(await exit).toEqual({ code: 0, signal: null })
  expect(await stored()).toContain('under-way@customer.example')
})

async function readiness({ admin }: RunningDaemon, wanted: number): Promise<void> {
  for (;;) {
    const { status } = await fetch(`http://${admin.host}:${admin.port}/readyz`)
    if (status === wanted) return
  }
}
