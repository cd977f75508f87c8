import type { Config } from './config.ts'
import type { Database, Sql } from './db/sql.ts'
import type { Log } from './log.ts'
import { addToOutbox, purgeOutbox } from './publish/outbox.ts'
import { purgeRecords } from './record/retention.ts'
import { removeExpired } from './suppression/sweep.ts'

const pauseMs = 10_000
const rowsATransaction = 5_000
const dayMs = 86_400_000

/** Every ten seconds: expired entries leave the lists, and rows past their retention the tables. */
export function startSweeper(
  db: Database,
  days: Config['retentionDays'],
  log: Log,
): { close(): Promise<void> } {
  let isClosing = false
  let running = Promise.resolve()
  const timer = setInterval(() => {
    running = running.then(sweep)
  }, pauseMs)

  async function sweep(): Promise<void> {
    try {
      for (const task of [expire, purge]) {
        while (!isClosing && (await db.transaction((sql) => task(sql, new Date())))) {
          // Full chunks: there is more.
        }
      }
    } catch (error) {
      log.warn({ err: error }, 'sweeping failed; the next one is in ten seconds')
    }
  }

  /** Whether there may be more. */
  async function purge(sql: Sql, now: Date): Promise<boolean> {
    const before = (age: number): Date => new Date(now.getTime() - age * dayMs)
    const { messages, raw, digests, outbox } = days
    const limits = { messages: before(messages), raw: before(raw), digests: before(digests) }
    const purged =
      (await purgeRecords(sql, limits, rowsATransaction)) +
      (await purgeOutbox(sql, before(outbox), rowsATransaction))
    return purged >= rowsATransaction
  }

  return {
    close: async () => {
      isClosing = true
      clearInterval(timer)
      await running
    },
  }
}

/** Whether there may be more. */
export async function expire(sql: Sql, now: Date): Promise<boolean> {
  const expired = await removeExpired(sql, now, rowsATransaction)
  for (const tenantId of new Set(expired.map((entry) => entry.tenantId))) {
    const own = expired.filter((entry) => entry.tenantId === tenantId)
    const events = own.map(({ list, groupId, address }) => {
      return { change: 'expired' as const, list, groupId, address }
    })
    await addToOutbox(sql, tenantId, events, now)
  }
  return expired.length === rowsATransaction
}
