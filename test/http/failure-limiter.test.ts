import { expect, test } from 'vitest'
import { createFailureLimiter } from '../../src/http/failure-limiter.ts'

let now = 0
const clock = () => now

function fail(limiter: ReturnType<typeof createFailureLimiter>, address: string, times: number) {
  for (let time = 0; time < times; time++) limiter.failed(address)
}

test('a hundred failures at once are allowed, then twenty a second', () => {
  const limiter = createFailureLimiter(clock)
  fail(limiter, '192.0.2.1', 99)
  expect(limiter.waitMs('192.0.2.1')).toBe(0)
  fail(limiter, '192.0.2.1', 1)
  expect(limiter.waitMs('192.0.2.1')).toBe(50)
  now += 1_000
  fail(limiter, '192.0.2.1', 19)
  expect(limiter.waitMs('192.0.2.1')).toBe(0)
  fail(limiter, '192.0.2.1', 1)
  expect(limiter.waitMs('192.0.2.1')).toBe(50)
  now += 60_000
  expect(limiter.waitMs('192.0.2.1')).toBe(0)
})

test('failures that were under way together are all paid for', () => {
  const limiter = createFailureLimiter(clock)
  fail(limiter, '192.0.2.1', 300)
  now += 10_000
  expect(limiter.waitMs('192.0.2.1')).toBe(50)
  now += 50
  expect(limiter.waitMs('192.0.2.1')).toBe(0)
})

test('who comes after somebody who went on for an hour waits a minute at most', () => {
  const limiter = createFailureLimiter(clock)
  fail(limiter, '192.0.2.1', 100_000)
  expect(limiter.waitMs('192.0.2.1')).toBeLessThanOrEqual(60_000)
  now += 60_000
  expect(limiter.waitMs('192.0.2.1')).toBe(0)
})

test('each address pays for itself, each IPv6 network for all its addresses', () => {
  const limiter = createFailureLimiter(clock)
  fail(limiter, '::ffff:192.0.2.1', 100)
  for (let host = 1; host <= 100; host++) limiter.failed(`2001:db8:0:1::${host.toString(16)}`)
  expect(limiter.waitMs('192.0.2.1')).toBeGreaterThan(0)
  expect(limiter.waitMs('192.0.2.2')).toBe(0)
  expect(limiter.waitMs('2001:db8:0:1::ffff')).toBeGreaterThan(0)
  expect(limiter.waitMs('2001:db8:0:2::1')).toBe(0)
})

test('of more addresses than it can hold it forgets the quietest', () => {
  const limiter = createFailureLimiter(clock)
  fail(limiter, '192.0.2.1', 100)
  fail(limiter, '192.0.2.2', 100)
  for (let n = 0; n < 9_999; n++) limiter.failed(`198.18.${n >> 8}.${n & 255}`)
  expect(limiter.waitMs('192.0.2.1')).toBe(0)
  expect(limiter.waitMs('192.0.2.2')).toBeGreaterThan(0)
})
