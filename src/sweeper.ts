import type { Config } from './config.ts'
import type { Database, Sql } from './db/sql.ts'
import { purgeIdempotencyKeys } from './http/idempotency-keys.ts'
import type { Log } from './log.ts'
import { addToOutbox, purgeOutbox } from './publish/outbox.ts'
import { purgeBounceRates } from './record/bounce-rate.ts'
import { countNextSlice, recountNextDay } from './record/daily-figures.ts'
import { findRawExcess, purgeOldestRaw, purgeRawBefore } from './record/raw-retention.ts'
import { purgeRecords } from './record/retention.ts'
import { findExpiredLists, removeExpired, type TenantList } from './suppression/sweep.ts'

const pauseMs = 10_000
const rowsATransaction = 5_000
const dayMs = 86_400_000
/** Ten minutes each: a day of figures that are behind takes a second or two. */
const slicesASweep = 144

/** All bytes that are kept may have to be weighed for it. */
const weighEveryMs = 60_000

/** Every ten seconds: expired entries leave the lists, and rows past their retention the tables. */
export function startSweeper(
  db: Database,
  { retentionDays: days, quarantineBytes }: Pick<Config, 'retentionDays' | 'quarantineBytes'>,
  log: Log,
): { close(): Promise<void> } {
  const closing = new AbortController()
  let weighedAt = Number.NEGATIVE_INFINITY
  let running = Promise.resolve()
  const timer = setInterval(() => {
    running = running.then(sweep)
  }, pauseMs)

  async function sweep(): Promise<void> {
    try {
      await expire(db, new Date(), { signal: closing.signal })
      await repeat(closing.signal, () => db.transaction((sql) => purge(sql, days, new Date())))
      const rawBefore = new Date(Date.now() - days.raw * dayMs)
      await repeat(closing.signal, () => purgeRawOnce(db, rawBefore))
      if (performance.now() - weighedAt >= weighEveryMs) {
        await purgeQuarantine(db, quarantineBytes, log, closing.signal)
        weighedAt = performance.now()
      }
      await countFigures(db, new Date(), closing.signal)
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

/** Drops the bytes of the oldest messages of those tenants who keep most, as long as all are too many. */
export async function purgeQuarantine(
  db: Database,
  maxBytes: number,
  log: Log,
  signal?: AbortSignal,
): Promise<void> {
  for (const { tenantId, kept, excess } of await findRawExcess(db, maxBytes)) {
    let messages = 0
    let left = excess
    await repeat(signal, async () => {
      const purged = await db.transaction((sql) => purgeOldestRaw(sql, tenantId, left))
      messages += purged.messages
      left -= purged.bytes
      return purged.messages > 0 && left > 0
    })
    log.warn(
      { tenantId, messages, kept, maxBytes },
      'the bytes of messages took more than HEARBACK_QUARANTINE_BYTES: those of the oldest are dropped',
    )
  }
}

/** Whether there may be more. */
async function purgeRawOnce(db: Database, before: Date): Promise<boolean> {
  const { messages } = await db.transaction((sql) => purgeRawBefore(sql, before))
  return messages > 0
}

/** Counts the figures ahead that statistics are made of, and those anew that are wrong. */
export async function countFigures(db: Database, now: Date, signal?: AbortSignal): Promise<void> {
  let slices = 0
  await repeat(signal, async () => {
    slices += 1
    return (await db.transaction((sql) => countNextSlice(sql, now))) && slices < slicesASweep
  })
  await repeat(signal, () => db.transaction(recountNextDay))
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
  const { messages, digests, outbox } = days
  const limits = { messages: before(messages), digests: before(digests) }
  const purged =
    (await purgeRecords(sql, limits, rowsATransaction)) +
    (await purgeOutbox(sql, before(outbox), rowsATransaction)) +
    (await purgeIdempotencyKeys(sql, now, rowsATransaction)) +
    (await purgeBounceRates(sql, now, rowsATransaction))
  return purged >= rowsATransaction
}
