import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Allowance, createRateLimiter, type RateLimit } from '../../src/http/rate-limit.ts'
import { useDoor } from './door.ts'

const bounces = '/v3/suppression/bounces'

describe('calls over the limit of a credential', () => {
  const door = useDoor({ rates: { calls: 5, checks: 0 } })

  test('429 with Retry-After; other credentials and the next second are free', async () => {
    const { key } = await door.addTenant()
    const other = await door.addTenant()
    const at = Date.now()
    door.setNow(new Date(at))
    const replies = []
    for (let i = 0; i < 6; i++) replies.push(await door.call('GET', bounces, { key }))
    expect(replies.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 429])
    const told = replies.map(({ headers }) => headers.get('x-ratelimit-remaining'))
    expect(told).toEqual(['4', '3', '2', '1', '0', '0'])
    const refused = replies[5]
    expect(refused?.json).toEqual({
      detail: 'Rate limit exceeded',
      errors: [{ message: 'Rate limit exceeded', field: null, help: null }],
    })
    expect(refused?.headers.get('retry-after')).toBe('1')
    expect(refused?.headers.get('x-ratelimit-limit')).toBe('5')
    expect(refused?.headers.get('x-ratelimit-reset')).toBe(String(Math.ceil((at + 1_000) / 1_000)))
    expect((await door.call('GET', bounces, { key: other.key })).status).toBe(200)
    door.setNow(new Date(at + 1_000))
    expect((await door.call('GET', bounces, { key })).status).toBe(200)
    door.setNow(null)
  })

  test('every answer to a credential says what is left, whatever the answer', async () => {
    const reader = await door.addTenant({ scopes: ['suppressions.read'] })
    for (const [method, path, status] of [
      ['GET', bounces, 200],
      ['GET', `${bounces}?limit=x`, 400],
      ['GET', `${bounces}/nobody@example.com`, 404],
      ['DELETE', `${bounces}/nobody@example.com`, 403],
    ] as const) {
      const { status: got, headers } = await door.call(method, path, { key: reader.key })
      expect(got).toBe(status)
      expect(headers.get('x-ratelimit-limit')).toBe('5')
      expect(headers.get('x-ratelimit-remaining')).toMatch(/^[0-4]$/)
      expect(headers.get('x-ratelimit-reset')).toMatch(/^\d{10}$/)
    }
    const stranger = await door.call('GET', bounces)
    expect(stranger.headers.has('x-ratelimit-limit')).toBe(false)
  })
})

describe('without a limit', () => {
  const door = useDoor()

  test('nothing is counted and nothing is said', async () => {
    const { key } = await door.addTenant()
    const { status, headers } = await door.call('GET', bounces, { key })
    expect([status, headers.has('x-ratelimit-limit')]).toEqual([200, false])
  })
})

describe('counting in this process', () => {
  function limiter(rate: Omit<RateLimit, 'name'>): (caller: string, at: number) => Allowance {
    let now = 0
    const count = createRateLimiter({ redis: null, now: () => now }, { name: 'test', ...rate })
    return (caller, at) => {
      now = at
      const allowance = count(caller)
      if (allowance instanceof Promise) throw new Error('nobody has to be waited for')
      return allowance
    }
  }

  test('never more than the limit in a window, and never less than that', () => {
    const calls = fc.array(fc.tuple(fc.constantFrom('a', 'b'), fc.nat({ max: 700 })), {
      maxLength: 200,
    })
    fc.assert(
      fc.property(calls, fc.integer({ min: 1, max: 5 }), (steps, limit) => {
        const call = limiter({ limit, windowSeconds: 1 })
        const windows = new Map<string, { endsAt: number; allowed: number }>()
        let at = 1_700_000_000_000
        for (const [caller, pause] of steps) {
          at += pause
          const { waitMs, remaining } = call(caller, at)
          const known = windows.get(caller)
          const window = known && known.endsAt > at ? known : { endsAt: at + 1_000, allowed: 0 }
          windows.set(caller, window)
          if (waitMs === 0) window.allowed++
          else expect([window.allowed, window.endsAt - at]).toEqual([limit, waitMs])
          expect(remaining).toBe(limit - window.allowed)
        }
      }),
    )
  })

  test('a clock that is set back locks nobody out', () => {
    const call = limiter({ limit: 1, windowSeconds: 1 })
    expect(call('a', 9_000_000).waitMs).toBe(0)
    expect(call('a', 1_000_000).waitMs).toBe(0)
  })

  test('ten thousand callers are remembered, the one that began first is forgotten', () => {
    const call = limiter({ limit: 1, windowSeconds: 60 })
    for (let i = 0; i < 10_000; i++) call(`caller ${i}`, 1_000_000 + i)
    expect(call('caller 9999', 1_020_000).waitMs).toBeGreaterThan(0)
    call('newcomer', 1_020_000)
    expect(call('caller 0', 1_020_000).waitMs).toBe(0)
  })
})
