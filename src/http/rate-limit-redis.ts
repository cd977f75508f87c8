import { RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible'
import type { Redis } from '../db/redis.ts'
import type { Allowance, RateLimit } from './rate-limit.ts'

/** Counts in Redis. What it returns rejects whenever the answer is none that can be believed. */
export function createSharedCount(
  redis: Redis,
  { name, limit, windowSeconds }: RateLimit,
  now: () => number,
): (caller: string) => Promise<Allowance> {
  const windowMs = windowSeconds * 1_000
  const limiter = new RateLimiterRedis({
    storeClient: redis.client,
    useRedisPackage: true,
    keyPrefix: `hearback:rate:${name}`,
    points: limit,
    duration: windowSeconds,
    // Past the limit Redis is not asked again before the window ends.
    inMemoryBlockOnConsumed: limit,
  })
  return async (caller) => {
    const { isRefused, remaining, leftMs } = await redis.run(() => consume(caller))
    return {
      limit,
      remaining,
      resetAt: Math.ceil((now() + leftMs) / 1_000),
      waitMs: isRefused ? Math.max(1, leftMs) : 0,
    }
  }

  async function consume(caller: string) {
    const { isRefused, count } = await limiter.consume(caller).then(
      (count) => ({ isRefused: false, count }),
      (refusal: unknown) => {
        if (refusal instanceof RateLimiterRes) return { isRefused: true, count: refusal }
        throw refusal
      },
    )
    const { remainingPoints: remaining, msBeforeNext: leftMs } = count
    const isCount = Number.isInteger(remaining) && remaining >= 0 && remaining < limit
    const isTime = Number.isInteger(leftMs) && leftMs >= 0 && leftMs <= windowMs
    if (!isCount || !isTime) throw new TypeError('Redis holds no count of ours')
    return { isRefused, remaining, leftMs }
  }
}
