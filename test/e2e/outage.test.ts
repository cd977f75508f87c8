import { existsSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { hearback, type RunningDaemon, startDaemon } from '../support/daemon.ts'
import type { SmtpReply } from '../support/smtp-client.ts'
import { apiKey, bounces, get, secret } from './api.ts'
import { startLoad } from './load.ts'
import { deliveryStatus, send } from './mail.ts'
import { createOwnCluster, type OwnCluster } from './own-cluster.ts'

let cluster: OwnCluster
let daemon: RunningDaemon
const domain = 'bounce.shop.example'
const rcptTo = `bounces@${domain}`

beforeAll(async () => {
  cluster = await createOwnCluster()
  daemon = await startDaemon({
    DATABASE_URL: cluster.url,
    HEARBACK_SECRET: secret,
    HEARBACK_BOOTSTRAP_API_KEY: apiKey,
    HEARBACK_BOOTSTRAP_DOMAIN: domain,
  })
})

afterAll(async () => {
  await daemon?.stop()
  await cluster?.remove()
})

async function timesStored(recipient: string): Promise<number> {
  const [row] = await cluster.sql`
    select count(*)::int as times from feedback where recipient = ${recipient}`
  return row?.['times']
}

/** The reply, which has to come within ten seconds. */
async function sendInTime(data: string): Promise<SmtpReply> {
  const startedAt = performance.now()
  const reply = await send(daemon, rcptTo, data)
  expect(performance.now() - startedAt).toBeLessThan(10_000)
  return reply
}

/** Nobody restarts anything: the sender's next attempts are all that there is. */
async function redeliver(data: string): Promise<void> {
  const startedAt = performance.now()
  for (;;) {
    const { code } = await send(daemon, rcptTo, data)
    if (code === 250) break
    expect(code).toBe(451)
    expect(performance.now() - startedAt).toBeLessThan(10_000)
  }
}

async function expectOutage(data: string): Promise<void> {
  const reply = await sendInTime(data)
  expect(reply.text).toMatch(/^451 4\.\d\.\d [A-Z][\w ,]+$/)
  const [list, page, ready, alive] = await Promise.all([
    get(daemon, '/v3/suppression/bounces'),
    get(daemon, '/v3/suppression/bounces', `another-key-${Date.now()}`),
    admin('/readyz'),
    admin('/healthz'),
  ])
  expect([list.status, page.status]).toEqual([503, 503])
  expect([ready, alive]).toEqual([503, 200])
}

async function admin(path: string): Promise<number> {
  return (await fetch(`http://${daemon.admin.host}:${daemon.admin.port}${path}`)).status
}

test('PostgreSQL stopped: mail is put off, the API says 503; started: both go on', async () => {
  const report = deliveryStatus([{ address: 'stopped@customer.example' }])
  await cluster.stop()
  await expectOutage(report)
  await cluster.start()
  await redeliver(report)
  expect(await timesStored('stopped@customer.example')).toBe(1)
  expect((await bounces(daemon)).map(({ email }) => email)).toContain('stopped@customer.example')
}, 60_000)

test.runIf(existsSync('/proc/self/stat'))(
  'PostgreSQL frozen under load: everything is put off, and after the thaw counts once',
  async () => {
    const load = startLoad(daemon, { rcptTo, clients: 40, name: 'frozen' })
    await load.more(200)
    await cluster.signalAll('SIGSTOP')
    const startedAt = performance.now()
    await load.end()
    // One deadline for the batch ahead, one for its own.
    expect(performance.now() - startedAt).toBeLessThan(11_000)
    expect(load.refused.length).toBeGreaterThan(0)
    for (const reply of load.refused) expect(reply).toMatch(/^451 4\./)

    const report = deliveryStatus([{ address: 'thawed@customer.example' }])
    await expectOutage(report)
    await cluster.signalAll('SIGCONT')
    await redeliver(report)
    await redeliver(report)

    expect(await timesStored('thawed@customer.example')).toBe(1)
    for (const recipient of load.acknowledged) expect(await timesStored(recipient)).toBe(1)
    expect((await bounces(daemon)).length).toBeGreaterThan(0)
  },
  90_000,
)

test.runIf(existsSync('/proc/self/stat'))(
  'the same report before, during and after a freeze is one event',
  async () => {
    const report = deliveryStatus([{ address: 'refrozen@customer.example' }])
    const [first] = await Promise.all([send(daemon, rcptTo, report), cluster.signalAll('SIGSTOP')])
    expect([250, 451]).toContain(first.code)
    expect((await sendInTime(report)).code).toBe(451)
    await cluster.signalAll('SIGCONT')
    await redeliver(report)
    expect(await timesStored('refrozen@customer.example')).toBe(1)
  },
  60_000,
)

test('connections cut under load, ten times: the daemon goes on, and nothing is lost or doubled', async () => {
  for (let round = 0; round < 10; round++) {
    const load = startLoad(daemon, { rcptTo, clients: 8, name: `cut-${round}` })
    await load.more(20)
    await cutConnections()
    await load.more(20).catch(() => undefined)
    await load.end()
    for (const reply of load.refused) expect(reply).toMatch(/^451 4\./)
    const rows = await cluster.sql`
      select recipient, count(*)::int as times from feedback
      where recipient = any(${load.acknowledged}) group by recipient`
    expect(rows.filter(({ times }) => times === 1)).toHaveLength(load.acknowledged.length)
  }
  expect((await sendInTime('Subject: alive\r\n\r\n')).code).toBe(250)
}, 60_000)

test('a database that only reads: mail is put off, the API still answers', async () => {
  const report = deliveryStatus([{ address: 'read-only@customer.example' }])
  await setReadOnly('on')
  const reply = await sendInTime(report)
  expect(reply.text).toMatch(/^451 4\./)
  const response = await fetch(
    `http://${daemon.http.host}:${daemon.http.port}/v3/suppression/bounces`,
    {
      method: 'POST',
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ email: 'added@customer.example' }),
    },
  )
  expect(response.status).toBe(503)
  expect((await get(daemon, '/v3/suppression/bounces')).status).toBe(200)
  await setReadOnly('off')
  await redeliver(report)
  expect(await timesStored('read-only@customer.example')).toBe(1)
}, 60_000)

async function setReadOnly(value: 'on' | 'off'): Promise<void> {
  await cluster.sql`set default_transaction_read_only = off`
  await cluster.sql.unsafe(`alter database hearback set default_transaction_read_only = ${value}`)
  // Sessions take it when they begin.
  await cutConnections()
}

async function cutConnections(): Promise<void> {
  await cluster.sql`
    select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'hearback'`
}

test('a PostgreSQL that may forget what it confirmed is refused, unless one insists', async () => {
  await setFsync('off')
  const env = { DATABASE_URL: cluster.url, HEARBACK_SECRET: secret }
  const { code, stderr } = await hearback(['serve'], { env })
  expect(code).toBe(78)
  expect(stderr).toMatch(/^ {2}DATABASE_URL: this PostgreSQL runs with fsync=off/m)
  const insisting = await startDaemon({ ...env, HEARBACK_ACCEPT_FSYNC_OFF: '1' })
  expect(await insisting.stop()).toEqual({ code: 0, signal: null })
  await setFsync('on')
})

async function setFsync(value: 'on' | 'off'): Promise<void> {
  await cluster.sql.unsafe(`alter system set fsync = ${value}`)
  await cluster.sql`select pg_reload_conf()`
  for (;;) {
    const [row] = await cluster.sql`select current_setting('fsync') as fsync`
    if (row?.['fsync'] === value) return
  }
}

test('the logs of all this name no recipient', () => {
  expect(daemon.stderr()).toContain('messages could not be stored')
  expect(daemon.stdout() + daemon.stderr()).not.toContain('@customer.example')
})
