import type { Config } from './config.ts'
import type { Database, Sql } from './db/sql.ts'
import type { Log } from './log.ts'
import { addToOutbox, purgeOutbox } from './publish/outbox.ts'
import { purgeRecords } from './record/retention.ts'
import { findExpiredLists, removeExpired, type TenantList } from './suppression/sweep.ts'

const pauseMs = 10_000
const rowsATransaction = 5_000
const dayMs = 86_400_000

/** Every ten seconds: expired entries leave the lists, and rows past their retention the tables. */
export function startSweeper(
  db: Database,
  days: Config['retentionDays'],
  log: Log,
): { close(): Promise<void> } {
  const closing = new AbortController()
  let running = Promise.resolve()
  const timer = setInterval(() => {
    running = running.then(sweep)
  }, pauseMs)

  async function sweep(): Promise<void> {
    try {
      await expire(db, new Date(), { signal: closing.signal })
      await repeat(closing.signal, () => db.transaction((sql) => purge(sql, days, new Date())))
    } catch (error) {
      log.warn({ err: error }, 'sweeping failed; the next one is in ten seconds')
    }
  }

  return {
    close: async () => {
      closing.abort()
      clearInterval(timer)
      await running
    },
  }
}

/**
 * Takes all entries whose time is over off their lists. One list a transaction: one that held rows
 * or totals of several tenants would lock them in another order than the batches that write them.
 */
export async function expire(
  db: Database,
  now: Date,
  { limit = rowsATransaction, signal }: { limit?: number; signal?: AbortSignal } = {},
): Promise<void> {
  for (const list of await db.run((sql) => findExpiredLists(sql, now))) {
    await repeat(signal, () => db.transaction((sql) => expireNext(sql, list, now, limit)))
  }
}

/** Until it says that there is no more, or nobody wants it any longer. */
async function repeat(
  signal: AbortSignal | undefined,
  task: () => Promise<boolean>,
): Promise<void> {
  while (!signal?.aborted && (await task())) {
    // A full chunk: there may be more.
  }
}

/** Whether there may be more. */
async function expireNext(
  sql: Sql,
  { tenantId, ...key }: TenantList,
  now: Date,
  limit: number,
): Promise<boolean> {
  const addresses = await removeExpired(sql, { tenantId, ...key }, now, limit)
  const events = addresses.map((address) => ({ change: 'expired' as const, ...key, address }))
  await addToOutbox(sql, tenantId, events, now)
  return addresses.length === limit
}

/** Whether there may be more. */
async function purge(sql: Sql, days: Config['retentionDays'], now: Date): Promise<boolean> {
  const before = (age: number): Date => new Date(now.getTime() - age * dayMs)
  const { messages, raw, digests, outbox } = days
  const limits = { messages: before(messages), raw: before(raw), digests: before(digests) }
  const purged =
    (await purgeRecords(sql, limits, rowsATransaction)) +
    (await purgeOutbox(sql, before(outbox), rowsATransaction))
  return purged >= rowsATransaction
}
