import type { ChangedBy } from '../feedback/actor.ts'
import type { ImportFormat } from '../feedback/import-format.ts'
import type { ImportTarget } from '../feedback/import-kind.ts'
import type { RowError } from './import-batch.ts'

/** What a file is to be imported as, where, and who wants it. */
export type ImportOrder = {
  tenantId: number
  by: ChangedBy
  target: ImportTarget
  /** Whose export it is; `null`: find out. */
  format: ImportFormat | null
  /** Whether each address that comes onto a list is an event of its own. */
  tellsEach: boolean
}

export type ImportCounts = {
  /** Records of the file, without its header. */
  rows: number
  /** Rows that put an address onto a list, or made its entry stronger. */
  imported: number
  /** Rows that changed nothing. */
  skipped: number
  errorCount: number
}

export type ImportResult = ImportCounts & {
  format: ImportFormat
  /** The first thousand. */
  errors: RowError[]
}

export const nothingImported: ImportCounts = { rows: 0, imported: 0, skipped: 0, errorCount: 0 }

/** As many as an answer shows. */
export const maxRowErrors = 1_000

/** There is no group to import into, or no longer. */
export class UnknownGroupError extends Error {
  override name = 'UnknownGroupError'
}

/** What the audit trail says of an import at its end. */
export function auditedResult(
  { rows, imported, skipped, errorCount }: ImportCounts,
  detail: { format: ImportFormat | null; complete: boolean },
): { entries: number; detail: object } {
  return { entries: imported, detail: { ...detail, rows, skipped, errors: errorCount } }
}
