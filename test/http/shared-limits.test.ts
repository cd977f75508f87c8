import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { type Daemon, startDaemon } from '../../src/daemon.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { freePort, hasRedisServer, startRedis, type TestRedis } from '../support/redis.ts'

const key = 'hb_live_0123456789abcdef0123456789abcdef01234567'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.drop())

const running: Daemon[] = []
afterEach(async () => {
  for (const daemon of running.splice(0)) await daemon.close()
})

async function start(redisUrl: string): Promise<Daemon> {
  const config = readConfig({
    DATABASE_URL: database.url,
    REDIS_URL: redisUrl,
    HEARBACK_SECRET: 'a secret of the tests, long enough',
    HEARBACK_BOOTSTRAP_API_KEY: key,
    HEARBACK_SMTP_PORT: '0',
    HEARBACK_HTTP_PORT: '0',
    HEARBACK_ADMIN_PORT: '0',
  })
  const daemon = await startDaemon(config, pino({ level: 'silent' }))
  running.push(daemon)
  return daemon
}

const newKey = { path: '/api_keys', json: { name: 'k', scopes: ['webhooks.read'] } }

async function statusOf(
  { http }: Daemon,
  { path, json }: { path: string; json?: object } = { path: '/suppression/bounces' },
): Promise<number> {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  const reply = await fetch(`http://${http.host}:${http.port}/v3${path}`, {
    headers,
    ...(json === undefined ? {} : { method: 'POST', body: JSON.stringify(json) }),
  })
  return reply.status
}

async function redisUp({ admin }: Daemon): Promise<string | undefined> {
  const metrics = await (await fetch(`http://${admin.host}:${admin.port}/metrics`)).text()
  return /^hearback_redis_up (\d)$/m.exec(metrics)?.[1]
}

async function ready({ admin }: Daemon): Promise<number> {
  return (await fetch(`http://${admin.host}:${admin.port}/readyz`)).status
}

describe.skipIf(!hasRedisServer)('daemons with one Redis', () => {
  let redis: TestRedis
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis.kill())

  test('allow together what each allows without it; nothing in it tells a key', async () => {
    const [one, two] = [await start(redis.url), await start(redis.url)]
    for (const daemon of [one, two]) await expect.poll(() => redisUp(daemon)).toBe('1')
    // Ten a minute for a tenant: a limit that lasts as long as the test.
    const made = await Promise.all(
      Array.from({ length: 14 }, (_, at) => statusOf(at % 2 ? one : two, newKey)),
    )
    expect(made.filter((status) => status === 201)).toHaveLength(10)
    expect(made.filter((status) => status === 429)).toHaveLength(4)
    const content = redis.command('keys', '*')
    expect(content).toMatch(/^hearback:rate:rare:\d+:post \/api_keys$/m)
    // Counts of a second, which may end between the call and the look.
    await expect
      .poll(async () => {
        await statusOf(one)
        return redis.command('keys', 'hearback:rate:calls:*')
      })
      .toMatch(/^hearback:rate:calls:\d+:[\w-]{43}$/)
    expect(content).not.toContain('hb_live')
  })

  test('go on answering when it is killed or frozen, and are as ready as before', async () => {
    const daemon = await start(redis.url)
    await expect.poll(() => redisUp(daemon)).toBe('1')
    redis.freeze()
    const statuses = await Promise.all(Array.from({ length: 20 }, () => statusOf(daemon)))
    expect(statuses).toEqual(statuses.map(() => 200))
    expect(await redisUp(daemon)).toBe('0')
    await redis.kill()
    expect(await statusOf(daemon)).toBe(200)
    expect(await ready(daemon)).toBe(200)
    await redis.start()
    await expect.poll(() => redisUp(daemon), { timeout: 10_000 }).toBe('1')
  })
})

test('a Redis that is not there holds up neither the start nor the end', async () => {
  const daemon = await start(`redis://127.0.0.1:${await freePort()}`)
  expect(await statusOf(daemon)).toBe(200)
  expect(await redisUp(daemon)).toBe('0')
  expect(await ready(daemon)).toBe(200)
})
