import { uuidv7 } from 'uuidv7'
import type { Database, Sql } from './db/sql.ts'
import type { ImportFormat } from './feedback/import-format.ts'
import type { ImportEntry } from './feedback/import-row.ts'
import { feedbackKinds } from './feedback/suppression.ts'
import { createImportPace } from './import-pace.ts'
import { inLanes } from './lanes.ts'
import { tellOfAdded } from './publish/outbox.ts'
import { addAudit, completeAudit } from './record/audit.ts'
import { addFeedback, type FeedbackRow } from './record/feedback.ts'
import type { Dialect } from './suppression/csv-sniff.ts'
import type { Erasure } from './suppression/erased.ts'
import { holdLiveGroup } from './suppression/groups.ts'
import { analyzeSuppressions, countImportable, importSuppressions } from './suppression/import.ts'
import type { ImportBatch, RowError } from './suppression/import-batch.ts'
import { readBatches } from './suppression/import-batches.ts'
import { underStoredForms } from './suppression/import-erased.ts'
import {
  auditedResult,
  type ImportCounts,
  type ImportOrder,
  type ImportResult,
  maxRowErrors,
  nothingImported,
  UnknownGroupError,
} from './suppression/import-order.ts'
import { inTightHeap } from './tight-heap.ts'

/** Enough to keep PostgreSQL busy while the next batch is read. */
export const importLanes = 2

/** A pool of their own: however many files come in, checks and lists are answered. */
export const importSessions = { maxConnections: 4 }

type Deps = { db: Database; erasure: Erasure; now: () => Date }
type OnProgress = (counts: ImportCounts) => void

/**
 * Imports a file as it comes, a transaction for each batch: what was committed before a failure
 * stays, and to send the file again is safe. Throws an ImportFileError before anything was written,
 * an UnknownGroupError, or what the file or the database failed with.
 */
export async function importFile(
  { db, erasure, now }: Deps,
  order: ImportOrder,
  file: AsyncIterable<Buffer>,
  onProgress: OnProgress = () => undefined,
): Promise<ImportResult> {
  const auditId = uuidv7()
  const result = emptyResult()
  const begin = ({ format }: Dialect): Promise<void> =>
    db.transaction((sql) => beginAudit(sql, order, auditId, format, now()))
  const end = (complete: boolean): Promise<void> => {
    const outcome = auditedResult(result, { format: result.format, complete })
    return db.run((sql) => completeAudit(sql, order.tenantId, auditId, outcome))
  }
  const write = async (batch: ImportBatch): Promise<ImportCounts> => {
    const stored = await underStoredForms(erasure, order.tenantId, batch)
    return db.transaction((sql) => writeBatch(sql, order, stored, now()))
  }
  try {
    await workThrough(order, file, now(), { result, begin, write, onProgress })
  } catch (error) {
    await end(false).catch(() => undefined)
    throw error
  }
  await end(true)
  await afterImport(db, result)
  return result
}

/** So many new entries that plans made before may be very slow ones. */
const manyEntries = 10_000

/** What is good to have been done, and not needed. */
export async function afterImport(db: Database, { imported }: ImportCounts): Promise<void> {
  if (imported >= manyEntries) await db.run(analyzeSuppressions).catch(() => undefined)
}

/** What `importFile` would do now. A row that repeats one of another batch counts as imported. */
export async function previewImport(
  { db, erasure, now }: Deps,
  order: ImportOrder,
  file: AsyncIterable<Buffer>,
  onProgress: OnProgress,
): Promise<ImportResult> {
  const result = emptyResult()
  const begin = async (): Promise<void> => undefined
  const write = async (batch: ImportBatch): Promise<ImportCounts> => {
    const { key, entries } = await underStoredForms(erasure, order.tenantId, batch)
    return db.run(async (sql) =>
      countsOf(batch, await countImportable(sql, order.tenantId, key, entries)),
    )
  }
  await workThrough(order, file, now(), { result, begin, write, onProgress })
  return result
}

function emptyResult(): ImportResult {
  return { ...nothingImported, format: 'plain', errors: [] }
}

async function workThrough(
  order: ImportOrder,
  file: AsyncIterable<Buffer>,
  now: Date,
  {
    result,
    begin,
    write,
    onProgress,
  }: {
    /** Grows as batches are done. */
    result: ImportResult
    begin: (dialect: Dialect) => Promise<void>
    write: (batch: ImportBatch) => Promise<ImportCounts>
    onProgress: OnProgress
  },
): Promise<void> {
  const pace = createImportPace()
  const onDialect = async (dialect: Dialect): Promise<void> => {
    result.format = dialect.format
    await begin(dialect)
  }
  const batches = readBatches(file, { ...order, now, size: pace.size, onDialect })
  const work = async (batch: ImportBatch): Promise<void> => {
    result.errors = firstErrors(result.errors, batch.errors)
    const counts = await pace.timed(() => write(batch))
    for (const name of countNames) result[name] += counts[name]
    onProgress(result)
  }
  await inTightHeap(() => inLanes(batches, importLanes, work))
}

/** Those of the first rows, in whichever order the batches come. */
function firstErrors(known: readonly RowError[], more: readonly RowError[]): RowError[] {
  return [...known, ...more].sort((a, b) => a.row - b.row).slice(0, maxRowErrors)
}

const countNames = ['rows', 'imported', 'skipped', 'errorCount'] as const

/** Lists, totals, history and events of one batch. */
export async function writeBatch(
  sql: Sql,
  { tenantId, tellsEach }: ImportOrder,
  batch: ImportBatch,
  now: Date,
): Promise<ImportCounts> {
  const { key, entries } = batch
  if (key.groupId !== 0 && !(await holdLiveGroup(sql, tenantId, key.groupId))) {
    throw new UnknownGroupError(`there is no group ${key.groupId}`)
  }
  const tell = tellOfAdded(sql, tenantId, { ...key, each: tellsEach }, now)
  const result = await importSuppressions(sql, tenantId, key, entries, { tell, now })
  const { added, strengthened, joined } = result
  const told = [...strengthened, ...joined].flatMap((place) => entries[place] ?? [])
  await addFeedback(
    sql,
    told.map((line) => feedbackRowOf(tenantId, line, now)),
  )
  return countsOf(batch, added + strengthened.length)
}

function countsOf({ entries, errors }: ImportBatch, imported: number): ImportCounts {
  const [valid, errorCount] = [entries.length, errors.length]
  return { rows: valid + errorCount, imported, skipped: valid - imported, errorCount }
}

/** Only of lines that met an entry: the first of an address is its own occurrence. */
function feedbackRowOf(tenantId: number, line: ImportEntry, now: Date): FeedbackRow {
  return {
    tenant_id: tenantId,
    feedback_id: uuidv7(),
    kind: feedbackKinds[line.list],
    recipient: line.address,
    reported_at: now,
    origin: 'import',
    token_expired: false,
    status: line.status,
    reason: line.reason,
    source: line.source,
    group_id: line.groupId === 0 ? null : line.groupId,
    ...(line.bounceClass === null ? {} : { bounce_class: line.bounceClass }),
  }
}

/** Before the first change: an import that ends in the middle has left its trace. */
export async function beginAudit(
  sql: Sql,
  { tenantId, by, target: { list, groupId } }: ImportOrder,
  id: string,
  format: ImportFormat,
  now: Date,
): Promise<void> {
  const place = list === null ? {} : { list, groupId }
  const detail = { format, complete: false }
  const change = { action: 'suppression.import' as const, ...place, entries: 0, detail, id }
  await addAudit(sql, tenantId, by, [change], now)
}
