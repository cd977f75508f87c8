import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { hearback, type RunningDaemon, startDaemon } from '../support/daemon.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { apiKey, get, secret } from './api.ts'

let database: TestDatabase
let env: Record<string, string>

beforeAll(async () => {
  database = await createTestDatabase()
  env = { DATABASE_URL: database.url, HEARBACK_SECRET: secret, HEARBACK_BOOTSTRAP_TENANT: 'shop' }
})

afterAll(() => database.drop())

async function start(more: Record<string, string>): Promise<RunningDaemon> {
  const daemon = await startDaemon({ ...env, ...more })
  onTestFinished(async () => void (await daemon.stop()))
  return daemon
}

test('a key of the environment opens the lists, start after start, and is not repeated', async () => {
  for (const hasNews of [true, false]) {
    const daemon = await start({ HEARBACK_BOOTSTRAP_API_KEY: apiKey })
    expect((await get(daemon, '/v3/suppression/bounces')).status).toBe(200)
    await daemon.stop()
    expect(daemon.stdout().includes('Bearer $HEARBACK_BOOTSTRAP_API_KEY')).toBe(hasNews)
    expect(daemon.stdout()).not.toContain(apiKey)
  }
})

test('where only the domain is new, one is told how to get a key', async () => {
  const daemon = await start({ HEARBACK_BOOTSTRAP_DOMAIN: 'more.test' })
  await daemon.said('stdout', /curl .*\n/)
  expect(daemon.stdout()).toContain('to bounces@more.test')
  expect(daemon.stdout()).toContain('`hearback key add --tenant shop` makes one')
  expect(daemon.stdout()).toContain('Bearer $KEY"')
})

test('a key that was revoked does not come back, and the daemon says so', async () => {
  const listed = await hearback(['key', 'ls', '--tenant', 'shop', '--json'], { env })
  const [{ apiKeyId }] = JSON.parse(listed.stdout)
  await hearback(['key', 'revoke', apiKeyId, '--tenant', 'shop'], { env })
  const { code, stderr } = await hearback(['serve'], {
    env: { ...env, HEARBACK_BOOTSTRAP_API_KEY: apiKey },
  })
  expect(code).toBe(78)
  expect(stderr).toContain('HEARBACK_BOOTSTRAP_API_KEY: is revoked or expired; set another one')
})
