import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { findPostmaster } from '../../src/db/embedded-postmaster.ts'
import { hearback, type RunningDaemon, startDaemon, startProgram } from '../support/daemon.ts'
import { createDataDirectory, removeDataDirectory } from '../support/data-directory.ts'
import { bounces, get } from './api.ts'
import { deliveryStatus, send } from './mail.ts'

let dataDir: string
let env: Record<string, string>
let key: string

beforeAll(async () => {
  dataDir = await createDataDirectory()
  env = { HEARBACK_DATA_DIR: dataDir }
})

afterAll(() => removeDataDirectory(dataDir))

async function start(): Promise<RunningDaemon> {
  const daemon = await startDaemon(env)
  onTestFinished(async () => void (await daemon.stop()))
  return daemon
}

test('the first start makes a tenant, a domain and a key, and prints once how to use them', async () => {
  const daemon = await start()
  await daemon.said('stdout', /curl .*\n/)
  const said = daemon.stdout()
  key = /API key +(\S+)/.exec(said)?.[1] ?? ''
  expect(key).toMatch(/^hb_live_[0-9a-z]{40}$/)
  expect(said).toContain(`${daemon.smtp.host}:${daemon.smtp.port}  to bounces@bounce.localhost`)
  expect(said).toContain(
    `curl -H "Authorization: Bearer ${key}" http://${daemon.http.host}:${daemon.http.port}/v3/suppression/bounces`,
  )
  expect(daemon.stderr()).not.toContain(key)

  const report = deliveryStatus([{ address: 'first@customer.example' }])
  expect(await send(daemon, 'bounces@bounce.localhost', report)).toMatchObject({ code: 250 })
  expect(await bounces(daemon, key)).toMatchObject([{ email: 'first@customer.example' }])
  expect(await daemon.stop()).toEqual({ code: 0, signal: null })
})

test('a later start prints no key, and the first one still opens the lists', async () => {
  const daemon = await start()
  expect(await bounces(daemon, key)).toMatchObject([{ email: 'first@customer.example' }])
  await daemon.stop()
  expect(daemon.stdout()).toBe('')
})

test('the secret of the data directory is for nobody else to read', async () => {
  expect((await stat(join(dataDir, 'secret'))).mode & 0o777).toBe(0o600)
})

test('a second daemon on the same data directory says so and ends, and the first goes on', async () => {
  const daemon = await start()
  const second = await hearback(['serve'], { env })
  expect(second).toMatchObject({ code: 1, stdout: '' })
  expect(second.stderr).toMatch(
    /^hearback: Another hearback daemon uses the data directory .*another HEARBACK_DATA_DIR\.\n$/m,
  )
  expect(second.stderr).not.toMatch(/^ +at /m)
  expect((await get(daemon, '/v3/suppression/bounces', key)).status).toBe(200)
  await daemon.stop()
}, 60_000)

test('commands work beside the daemon and leave its server running', async () => {
  const daemon = await start()
  const tenants = await hearback(['tenant', 'ls', '--json'], { env })
  expect(JSON.parse(tenants.stdout)).toMatchObject([{ name: 'default' }])
  const added = await hearback(['key', 'add', '--tenant', 'default', '--json'], { env })
  const { key: another } = JSON.parse(added.stdout)
  expect(await bounces(daemon, another)).toMatchObject([{ email: 'first@customer.example' }])
  await daemon.stop()
})

test('commands work without the daemon and leave no server behind', async () => {
  const domains = await hearback(['domain', 'ls', '--json'], { env })
  expect(JSON.parse(domains.stdout)).toMatchObject([{ domain: 'bounce.localhost' }])
  expect(await findPostmaster(join(dataDir, 'postgres'))).toBeNull()
})

test.each(['SIGTERM', 'SIGINT'] as const)('%s during the start ends it cleanly', async (name) => {
  const program = startProgram(['serve'], { env })
  for (;;) {
    if ((await findPostmaster(join(dataDir, 'postgres'))) !== null) break
  }
  program.signal(name)
  expect(await program.exited).toEqual({ code: 0, signal: null })
  expect(await findPostmaster(join(dataDir, 'postgres'))).toBeNull()
})

test('a port that is taken is one clear line, and nothing is left running', async () => {
  const daemon = await start()
  const other = await createDataDirectory()
  onTestFinished(() => removeDataDirectory(other))
  const { code, stderr } = await hearback(['serve'], {
    env: { HEARBACK_DATA_DIR: other, HEARBACK_HTTP_PORT: String(daemon.http.port) },
  })
  expect(code).toBe(1)
  expect(stderr).toMatch(/^hearback: .*EADDRINUSE.*127\.0\.0\.1/m)
  expect(stderr).not.toMatch(/^ +at /m)
  expect(await findPostmaster(join(other, 'postgres'))).toBeNull()
  await daemon.stop()
})

test('nothing but the database, its log and the secret is in the data directory', async () => {
  expect((await readdir(dataDir)).sort()).toEqual(['postgres', 'postgres.log', 'secret'])
})
