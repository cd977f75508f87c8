import { setTimeout as sleep } from 'node:timers/promises'
import { uuidv7 } from 'uuidv7'
import type { Database } from './db/sql.ts'
import { afterImport, beginAudit, importLanes, writeBatch } from './import.ts'
import { createImportPace } from './import-pace.ts'
import { inLanes } from './lanes.ts'
import type { Log } from './log.ts'
import { completeAudit } from './record/audit.ts'
import { type Dialect, ImportFileError } from './suppression/csv-sniff.ts'
import type { Erasure } from './suppression/erased.ts'
import type { ImportBatch } from './suppression/import-batch.ts'
import { readBatches } from './suppression/import-batches.ts'
import { purgeChunks, purgeJobs, readChunks } from './suppression/import-chunks.ts'
import { underStoredForms } from './suppression/import-erased.ts'
import { auditedResult, nothingImported, UnknownGroupError } from './suppression/import-order.ts'
import {
  type ClaimedJob,
  claimJob,
  endJob,
  LostLeaseError,
  prolongLease,
  recordProgress,
  recordStart,
  releaseJob,
} from './suppression/import-work.ts'
import { inTightHeap } from './tight-heap.ts'

export type Importer = {
  /** There is something to do. */
  wake(): void
  close(): Promise<void>
}

export type ImporterDeps = { db: Database; erasure: Erasure; log: Log; now: () => Date }

const pollMs = 2_000
/** A third of the lease. */
const heartbeatMs = 10_000
/** Beginnings in a row that came to nothing. */
const maxAttempts = 10
const tidyMs = 60_000
const dayMs = 86_400_000
const keptDays = 30
/** Of half a mebibyte each. */
const chunksATransaction = 64

/**
 * Works off the imports that wait, one at a time; every daemon has one of these. A worker that dies
 * is followed by another, which goes on behind the batches that were committed.
 */
export function startImporter({ db, erasure, log, now }: ImporterDeps): Importer {
  const closing = new AbortController()
  let pause = new AbortController()
  let tidyAt = 0

  async function run(): Promise<void> {
    while (!closing.signal.aborted) {
      const isBusy = await step().catch((err: unknown) => {
        log.warn({ err }, 'imports could not be worked on')
        return false
      })
      if (isBusy) continue
      await sleep(pollMs, undefined, { signal: pause.signal }).catch(() => undefined)
      if (pause.signal.aborted) pause = new AbortController()
    }
  }

  /** Whether there may be more to do. */
  async function step(): Promise<boolean> {
    const job = await db.run((sql) => claimJob(sql, uuidv7(), now()))
    if (job !== null) await workOff({ db, erasure, log, now }, job, closing.signal)
    if (job === null && Date.now() < tidyAt) return false
    tidyAt = Date.now() + tidyMs
    await tidy(db, new Date(now().getTime() - keptDays * dayMs), closing.signal)
    return job !== null
  }

  const wake = (): void => pause.abort()
  const running = run()
  return {
    wake,
    close: async () => {
      closing.abort()
      wake()
      await running
    },
  }
}

async function workOff(
  { db, erasure, log, now }: ImporterDeps,
  job: ClaimedJob,
  closing: AbortSignal,
): Promise<void> {
  const heartbeat = setInterval(() => {
    void db.run((sql) => prolongLease(sql, job)).catch(() => undefined)
  }, heartbeatMs)
  try {
    if (job.attempts > maxAttempts) await end(`Given up: ${maxAttempts} attempts in a row failed`)
    else {
      await importJob({ db, erasure, log, now }, job, closing)
      await end(null)
    }
  } catch (error) {
    if (error instanceof LostLeaseError) return
    if (error instanceof ImportFileError || error instanceof UnknownGroupError) {
      await end(error.message)
      return
    }
    if (!closing.aborted)
      log.warn({ err: error, importId: job.id }, 'an import waits for a next try')
    await db.run((sql) => releaseJob(sql, job, closing.aborted ? 0 : 2 ** job.attempts))
  } finally {
    clearInterval(heartbeat)
  }

  async function end(fault: string | null): Promise<void> {
    const state = fault === null ? 'finished' : 'failed'
    const { tenantId } = job.order
    const counts = await db.transaction(async (sql) => {
      const ended = await endJob(sql, job, { state, fault }, now())
      if (ended === null || ended.auditId === null) return nothingImported
      const detail = { format: ended.format, complete: fault === null }
      await completeAudit(sql, tenantId, ended.auditId, auditedResult(ended, detail))
      return ended
    })
    await afterImport(db, counts)
  }
}

async function importJob(
  { db, erasure, now }: ImporterDeps,
  job: ClaimedJob,
  closing: AbortSignal,
): Promise<void> {
  const { order } = job
  const pace = createImportPace()
  const file = untilAborted(readChunks(db, order.tenantId, job), closing)
  const onDialect = async ({ format }: Dialect): Promise<void> => {
    if (job.hasBegun) return
    const auditId = uuidv7()
    await db.transaction(async (sql) => {
      await beginAudit(sql, order, auditId, format, now())
      await recordStart(sql, job, { format, auditId })
    })
  }
  const reading = { ...order, now: now(), size: pace.size, isDone: isWithin(job.done), onDialect }
  const work = (batch: ImportBatch): Promise<void> =>
    pace.timed(async () => {
      const stored = await underStoredForms(erasure, order.tenantId, batch)
      await db.transaction(async (sql) => {
        const counts = await writeBatch(sql, order, stored, now())
        await recordProgress(sql, job, stored, counts)
      })
    })
  await inTightHeap(() => inLanes(readBatches(file, reading), importLanes, work))
}

async function* untilAborted<Item>(
  items: AsyncIterable<Item>,
  signal: AbortSignal,
): AsyncGenerator<Item> {
  for await (const item of items) {
    signal.throwIfAborted()
    yield item
  }
}

/** For positions that only grow. */
function isWithin(ranges: ClaimedJob['done']): (position: number) => boolean {
  let next = 0
  return (position) => {
    while (position >= (ranges[next]?.[1] ?? Number.POSITIVE_INFINITY)) next += 1
    return position >= (ranges[next]?.[0] ?? Number.POSITIVE_INFINITY)
  }
}

/** Jobs that nobody asks for any longer, and files that are worked off or were given up. */
async function tidy(db: Database, before: Date, closing: AbortSignal): Promise<void> {
  for (const purge of [
    () => db.transaction((sql) => purgeJobs(sql, before, chunksATransaction)),
    () => db.transaction((sql) => purgeChunks(sql, chunksATransaction)),
  ]) {
    while (!closing.aborted && (await purge()) === chunksATransaction) {
      // A full share: there may be more.
    }
  }
}
