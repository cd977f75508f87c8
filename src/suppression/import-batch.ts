import type { ImportTarget } from '../feedback/import-kind.ts'
import type { ImportEntry } from '../feedback/import-row.ts'
import type { SuppressionList } from '../feedback/suppression.ts'
import type { ListKey } from './list.ts'

/** A row that cannot be imported; `row` is its line in the file. */
export type RowError = { row: number; email: string; error: string }

/** Rows of a file that are written together; all of one list. */
export type ImportBatch = {
  key: ListKey
  /** Which records of the file, counted from 0; `to` is the first that is not among them. */
  from: number
  to: number
  entries: ImportEntry[]
  errors: RowError[]
  /** Of the texts, in characters. */
  length: number
}

export type Collector = {
  /** The batch that is full with this row, if one is. */
  add(position: number, row: ImportEntry | RowError): ImportBatch | null
  /** What is collected so far. */
  take(): ImportBatch[]
}

/** In characters: long reasons make batches of few rows. */
const maxBatchLength = 4_000_000

/**
 * Collects rows in batches of `size()`, for each list its own. Nothing but arrays: the table of a map
 * of thousands is so large that V8 keeps it, and with it every row, until the heap has multiplied.
 */
export function createCollector(target: ImportTarget, size: () => number): Collector {
  const open = new Map<SuppressionList, ImportBatch>()
  return {
    add(position, row) {
      const list = 'list' in row ? row.list : (target.list ?? 'bounces')
      const batch = open.get(list) ?? emptyBatch(list, target, position)
      if ('error' in row) batch.errors.push(row)
      else batch.entries.push(row)
      batch.to = position + 1
      batch.length += lengthOf(row)
      const rows = batch.entries.length + batch.errors.length
      if (rows < size() && batch.length < maxBatchLength) {
        open.set(list, batch)
        return null
      }
      open.delete(list)
      return batch
    },
    take() {
      const batches = [...open.values()]
      open.clear()
      return batches
    },
  }
}

function emptyBatch(list: SuppressionList, target: ImportTarget, from: number): ImportBatch {
  const key = { list, groupId: list === 'group_unsubscribes' ? target.groupId : 0 }
  return { key, from, to: from, entries: [], errors: [], length: 0 }
}

function lengthOf(row: ImportEntry | RowError): number {
  if ('error' in row) return row.email.length
  return row.address.length + (row.reason?.length ?? 0) + (row.source?.length ?? 0)
}
