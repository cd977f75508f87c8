import type { Redis } from '../db/redis.ts'
import { createSharedCount } from './rate-limit-redis.ts'

export type RateLimit = {
  /** Counts of limits with different names are different ones. */
  name: string
  /** Calls in a window; the window begins with the first of them. */
  limit: number
  windowSeconds: number
}

/** What one call has left to whoever made it. */
export type Allowance = {
  limit: number
  remaining: number
  /** When the window ends, in unix seconds. */
  resetAt: number
  /** Milliseconds until the next call may succeed; 0: this one may. */
  waitMs: number
}

/**
 * Counts one call of `caller`, a text that tells no secrets. Without Redis the allowance is there at
 * once: whoever is in a hurry waits only for promises.
 */
export type RateLimiter = (caller: string) => Allowance | Promise<Allowance>

/** Above that the window that began first is forgotten. */
const maxWindows = 10_000

/**
 * Counts in Redis, for all processes together, and in this process when there is none or it does not
 * answer. `now` is in unix milliseconds.
 */
export function createRateLimiter(
  { redis, now }: { redis: Redis | null; now: () => number },
  rate: RateLimit,
): RateLimiter {
  const countHere = createOwnCount(rate, now)
  if (redis === null) return countHere
  const countShared = createSharedCount(redis, rate, now)
  return (caller) =>
    redis.isUp() ? countShared(caller).catch(() => countHere(caller)) : countHere(caller)
}

function createOwnCount(
  { limit, windowSeconds }: RateLimit,
  now: () => number,
): (caller: string) => Allowance {
  const windowMs = windowSeconds * 1_000
  const windows = new Map<string, { calls: number; endsAt: number }>()

  function begin(caller: string, at: number): { calls: number; endsAt: number } {
    const [first] = windows.keys()
    if (first !== undefined && windows.size >= maxWindows) windows.delete(first)
    const window = { calls: 0, endsAt: at + windowMs }
    windows.set(caller, window)
    return window
  }

  return (caller) => {
    const at = now()
    const window = windows.get(caller) ?? begin(caller, at)
    // Over, or of a time that the clock was set back from.
    if (window.endsAt <= at || window.endsAt > at + windowMs) {
      window.calls = 0
      window.endsAt = at + windowMs
    }
    window.calls++
    return {
      limit,
      remaining: Math.max(0, limit - window.calls),
      resetAt: Math.ceil(window.endsAt / 1_000),
      waitMs: window.calls > limit ? window.endsAt - at : 0,
    }
  }
}

/** Fields of the response to a call that was counted. */
export function rateLimitHeaders({ limit, remaining, resetAt }: Allowance): Record<string, string> {
  return {
    'X-RateLimit-Limit': String(limit),
    'X-RateLimit-Remaining': String(remaining),
    'X-RateLimit-Reset': String(resetAt),
  }
}
