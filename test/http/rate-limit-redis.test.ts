import { createServer, type Socket } from 'node:net'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { openRedis, type Redis } from '../../src/db/redis.ts'
import { type Allowance, createRateLimiter, type RateLimiter } from '../../src/http/rate-limit.ts'
import { createMetrics } from '../../src/metrics.ts'
import { hasRedisServer, startRedis, type TestRedis } from '../support/redis.ts'

const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

type Connected = { redis: Redis; log: () => string; isUp: () => Promise<number | undefined> }

function open(url: string): Connected {
  const metrics = createMetrics()
  let lines = ''
  const write = (line: string): void => {
    lines += line
  }
  const redis = openRedis(url, { log: pino({}, { write }), metrics })
  closing.push(redis.close)
  const isUp = async () => (await metrics.redisUp.get()).values[0]?.value
  return { redis, log: () => lines, isUp }
}

let names = 0

/** Limits of the same name in several processes, and a minute long, so that none ends in a test. */
function limiters(connected: readonly Connected[], limit: number): RateLimiter[] {
  names++
  const rate = { name: `test${names}`, limit, windowSeconds: 60 }
  return connected.map(({ redis }) => createRateLimiter({ redis, now: Date.now }, rate))
}

/** How many of so many calls were allowed. */
async function allowed(limiter: RateLimiter | undefined, calls: number): Promise<number> {
  let count = 0
  for (let i = 0; i < calls; i++) {
    const allowance = await limiter?.('1:caller')
    if (allowance?.waitMs === 0) count++
  }
  return count
}

describe.skipIf(!hasRedisServer)('with a real Redis', () => {
  let server: TestRedis
  beforeAll(async () => {
    server = await startRedis()
  })
  afterAll(() => server.kill())

  async function connected(count: number): Promise<Connected[]> {
    const all = Array.from({ length: count }, () => open(server.url))
    for (const { redis } of all) await expect.poll(() => redis.isUp()).toBe(true)
    return all
  }

  test('several processes share a limit', async () => {
    const [one, two] = limiters(await connected(2), 10)
    expect(await allowed(one, 6)).toBe(6)
    expect(await allowed(two, 6)).toBe(4)
    expect(await allowed(one, 3)).toBe(0)
    const refused = (await one?.('1:caller')) as Allowance
    expect(refused).toMatchObject({ limit: 10, remaining: 0 })
    expect(refused.waitMs).toBeGreaterThan(50_000)
    expect(refused.waitMs).toBeLessThanOrEqual(60_000)
    expect(refused.resetAt - Date.now() / 1_000).toBeLessThan(62)
    const other = await one?.('2:caller')
    expect(other).toMatchObject({ remaining: 9, waitMs: 0 })
    const keys = server.command('keys', '*').split('\n')
    expect(keys).toEqual(expect.arrayContaining([expect.stringMatching(/^hearback:rate:test\d+:/)]))
  })

  test('many calls at once are counted one by one', async () => {
    const [one, two] = limiters(await connected(2), 50)
    const both = await Promise.all(
      Array.from({ length: 100 }, (_, i) => (i % 2 ? one : two)?.('1:caller')),
    )
    expect(both.filter((allowance) => allowance?.waitMs === 0)).toHaveLength(50)
  })

  test('killed with -9, every process counts for itself; once it is back, together', async () => {
    const processes = await connected(2)
    const [one, two] = limiters(processes, 10)
    expect(await allowed(one, 5)).toBe(5)
    await server.kill()
    expect(await allowed(one, 12)).toBe(10)
    expect(await allowed(two, 12)).toBe(10)
    expect(await processes[0]?.isUp()).toBe(0)
    expect(processes[0]?.log().match(/Redis does not answer/g)).toHaveLength(1)
    await server.start()
    for (const { redis } of processes) await expect.poll(() => redis.isUp()).toBe(true)
    expect(await processes[0]?.isUp()).toBe(1)
    expect((await allowed(one, 6)) + (await allowed(two, 6))).toBe(10)
  })

  test('frozen, the calls under way wait once and together; then none does', async () => {
    const processes = await connected(1)
    const [limiter] = limiters(processes, 100)
    expect(await allowed(limiter, 5)).toBe(5)
    server.freeze()
    const underWay = await Promise.all(Array.from({ length: 20 }, () => limiter?.('1:caller')))
    expect(underWay.every((allowance) => allowance?.waitMs === 0)).toBe(true)
    expect(processes[0]?.redis.isUp()).toBe(false)
    // Longer than the connection is believed in: it is given up, and a new one freezes as well.
    const end = Date.now() + 4_000
    while (Date.now() < end) {
      expect(limiter?.('1:caller')).not.toBeInstanceOf(Promise)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    server.thaw()
    await expect.poll(() => processes[0]?.redis.isUp(), { timeout: 10_000 }).toBe(true)
    expect(await limiter?.('1:caller')).toMatchObject({ waitMs: 0 })
    expect(processes[0]?.log().match(/Redis does not answer/g)).toHaveLength(1)
  })

  test('what this process did not hear because it was busy is no outage', async () => {
    const processes = await connected(1)
    const [limiter] = limiters(processes, 10)
    const call = limiter?.('1:caller')
    await new Promise((resolve) => setImmediate(resolve))
    const end = Date.now() + 300
    while (Date.now() < end);
    expect(await call).toMatchObject({ remaining: 9 })
    expect(await limiter?.('1:caller')).toMatchObject({ remaining: 8 })
    expect(processes[0]?.log()).not.toContain('Redis does not answer')
  })

  test('flushed, counting begins anew', async () => {
    const [limiter] = limiters(await connected(1), 10)
    expect(await allowed(limiter, 5)).toBe(5)
    server.command('flushall')
    expect(await limiter?.('1:caller')).toMatchObject({ remaining: 9 })
  })

  test.each([
    ['a list', ['rpush', 'x']],
    ['a word', ['set', 'x']],
    ['a debt', ['set', '-1000000', 'ex', '60']],
    ['a count for a year', ['set', '1000000', 'ex', '31536000']],
  ])('%s where a count should be costs nobody an answer', async (_name, [verb = '', ...rest]) => {
    const [limiter] = limiters(await connected(1), 10)
    expect(await allowed(limiter, 1)).toBe(1)
    const key = server.command('keys', `hearback:rate:test${names}:*`)
    server.command('del', key)
    server.command(verb, key, ...rest)
    expect(await allowed(limiter, 12)).toBe(10)
  })

  test('a Redis that holds no more is as good as none', async () => {
    const [limiter] = limiters(await connected(1), 10)
    server.command('config', 'set', 'maxmemory', '1')
    expect(await allowed(limiter, 12)).toBe(10)
    server.command('config', 'set', 'maxmemory', '0')
    expect(await limiter?.('2:caller')).toMatchObject({ remaining: 9 })
  })

  test('a password that is wrong is told once, and costs nobody an answer', async () => {
    server.command('config', 'set', 'requirepass', 'right')
    const refused = open(server.url.replace('//', '//:wrong@'))
    const [limiter] = limiters([refused], 10)
    expect(await allowed(limiter, 12)).toBe(10)
    await expect.poll(refused.log).toContain('WRONGPASS')
    expect(refused.log()).not.toContain('wrong@')
    server.command('-a', 'right', 'config', 'set', 'requirepass', '')
  })
})

describe('with something else in its place', () => {
  const talk: [string, (socket: Socket) => void][] = [
    ['a web server', (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['noise', (socket) => socket.end(Buffer.from([0, 255, 13, 10, 36, 45, 57, 57, 13, 10]))],
    ['silence', () => undefined],
    ['one answer to everything', (socket) => socket.on('data', () => socket.write('+OK\r\n'))],
    ['numbers', (socket) => socket.on('data', () => socket.write(':1\r\n:1\r\n:1\r\n'))],
    ['a hangup', (socket) => socket.destroy()],
  ]

  test.each(talk)('%s costs nobody an answer', async (_name, answer) => {
    const sockets: Socket[] = []
    const server = createServer((socket) => {
      sockets.push(socket.on('error', () => undefined))
      answer(socket)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : 0
    const [limiter] = limiters([open(`redis://127.0.0.1:${port}`)], 10)
    expect(await allowed(limiter, 6)).toBe(6)
    await new Promise((resolve) => setTimeout(resolve, 2_500))
    expect(await allowed(limiter, 6)).toBe(4)
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })

  test('nothing at all costs nobody an answer', async () => {
    const refused = open('redis://127.0.0.1:1')
    const [limiter] = limiters([refused], 10)
    expect(await allowed(limiter, 12)).toBe(10)
    await expect.poll(refused.log).toContain('ECONNREFUSED')
  })
})
