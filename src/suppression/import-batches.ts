import type { ImportFormat } from '../feedback/import-format.ts'
import type { ImportTarget } from '../feedback/import-kind.ts'
import { type ImportEntry, readImportRow, valueAt } from '../feedback/import-row.ts'
import { type CsvFault, type CsvRecord, createCsvReader, maxRecordLength } from './csv-reader.ts'
import { type Dialect, sniff, sniffBytes } from './csv-sniff.ts'
import { createCollector, type ImportBatch, type RowError } from './import-batch.ts'
import { pieces } from './import-pieces.ts'

export type BatchOptions = {
  target: ImportTarget
  /** Whose export it is; `null`: find out. */
  format: ImportFormat | null
  now: Date
  /** How many rows the next batch may have. */
  size: () => number
  /** Records to be left out, as their work is done. */
  isDone?: (record: number) => boolean
  onDialect?: (dialect: Dialect) => Promise<void>
}

/** Small enough for its text not to be one of the large objects that V8 keeps for longer. */
const pieceBytes = 32 * 1024

/** Reads a file to its end. Throws an ImportFileError when there are no addresses in it. */
export async function* readBatches(
  chunks: AsyncIterable<Buffer>,
  options: BatchOptions,
): AsyncGenerator<ImportBatch> {
  const { target, format, now, isDone = () => false } = options
  const collector = createCollector(target, options.size)
  let dialect: Dialect | null = null
  let reader = createCsvReader(',')
  let position = 0
  for await (const { bytes, isLast } of pieces(chunks, {
    firstSize: sniffBytes,
    size: pieceBytes,
  })) {
    const isFirst = dialect === null
    dialect ??= sniff(bytes, isLast, { list: target.list, format })
    if (isFirst) {
      await options.onDialect?.(dialect)
      reader = createCsvReader(dialect.delimiter)
    }
    const records = reader.write(bytes)
    if (isLast) records.push(...reader.end())
    if (isFirst && dialect.hasHeader) records.shift()
    for (const record of records) {
      if (isDone(position)) yield* collector.take()
      else {
        const full = collector.add(position, readRecord(record, dialect, target, now))
        if (full) yield full
      }
      position += 1
    }
  }
  yield* collector.take()
}

function readRecord(
  record: CsvRecord,
  dialect: Dialect,
  target: ImportTarget,
  now: Date,
): ImportEntry | RowError {
  const { line } = record
  if ('fault' in record) return rowError(line, record.text, faults[record.fault])
  const read = readImportRow(record.fields, dialect, target, now)
  if (typeof read === 'object') return read
  return rowError(line, valueAt(record.fields, dialect.columns.email), read)
}

const faults: Record<CsvFault['fault'], string> = {
  'unterminated-quote': 'Unterminated quote',
  'too-long': `Longer than ${maxRecordLength} characters`,
}

const maxShown = 320

function rowError(row: number, email: string, error: string): RowError {
  // PostgreSQL refuses NUL even in JSON.
  const shown = email.slice(0, maxShown).replaceAll('\0', '\ufffd')
  // A copy: a part of a string keeps all of it in memory, here a large piece of the file.
  return { row, email: Buffer.from(shown).toString(), error }
}
