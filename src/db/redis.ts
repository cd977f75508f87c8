import { createClient } from 'redis'
import type { Log } from '../log.ts'
import type { Metrics } from '../metrics.ts'

/** It is not there, or said nothing in time; whether it did what was asked is unknown. */
class RedisDownError extends Error {
  override name = 'RedisDownError'
}

export type Redis = {
  client: ReturnType<typeof clientOf>
  /**
   * Asks it something. While it is down this rejects at once; the first that it leaves without an
   * answer for 100 ms takes all others that wait with it.
   * @throws RedisDownError, or the error with which it answered.
   */
  run<T>(command: () => Promise<T>): Promise<T>
  isUp(): boolean
  close(): Promise<void>
}

/** Many short waits and not one long: what this process sleeps through counts as one of them. */
const patience = { waits: 5, waitMs: 20 }
/** How soon a Redis that was frozen is noticed to answer again. */
const pingMs = 500
/** Without a byte for so long the connection is given up; the pings keep it from being idle. */
const socketTimeoutMs = 1_500
const longestRetryMs = 1_000

/** Connects in the background, for ever: it is up once it says so, and nothing waits for it. */
export function openRedis(
  url: string,
  { log, metrics }: { log: Log; metrics: Pick<Metrics, 'redisUp' | 'redisFailures'> },
): Redis {
  let isUp = false
  let isReported = false
  const waiting = new Set<(error: RedisDownError) => void>()
  const client = clientOf(url)

  function rise(): void {
    if (isUp) return
    isUp = true
    isReported = false
    metrics.redisUp.set(1)
    log.info('Redis answers')
  }

  function fall(cause: unknown): void {
    isUp = false
    metrics.redisUp.set(0)
    const error = new RedisDownError('Redis does not answer', { cause })
    for (const reject of waiting) reject(error)
    waiting.clear()
    if (isReported) return
    isReported = true
    log.warn({ err: cause }, 'Redis does not answer; each process counts for itself meanwhile')
  }

  async function answered<T>(command: () => Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined
    let giveUp: (error: RedisDownError) => void = () => undefined
    const down = new Promise<never>((_, reject) => {
      giveUp = reject
      waiting.add(giveUp)
    })
    const wait = (waits: number): void => {
      if (waits === 0) fall(new Error('no answer'))
      else timer = setTimeout(() => wait(waits - 1), patience.waitMs)
    }
    wait(patience.waits)
    try {
      return await Promise.race([command(), down])
    } finally {
      clearTimeout(timer)
      waiting.delete(giveUp)
    }
  }

  client.on('ready', rise)
  client.on('ping-interval', rise)
  client.on('error', fall)
  // Rejects only when it is closed before it was open: all else is retried.
  client.connect().catch(() => undefined)
  return {
    client,
    isUp: () => isUp,
    async run(command) {
      if (!isUp) throw new RedisDownError('Redis does not answer')
      try {
        return await answered(command)
      } catch (error) {
        metrics.redisFailures.inc()
        throw error
      }
    },
    async close() {
      // What is cut off now is no news.
      isReported = true
      client.destroy()
    },
  }
}

function clientOf(url: string) {
  return createClient({
    url,
    disableOfflineQueue: true,
    pingInterval: pingMs,
    socket: {
      connectTimeout: socketTimeoutMs,
      socketTimeout: socketTimeoutMs,
      reconnectStrategy: (retries) => Math.min(50 * 2 ** retries, longestRetryMs),
    },
  })
}
