import { canonicalAddress } from '../feedback/address.ts'
import {
  headerLayout,
  headlessLayout,
  type ImportFormat,
  type Layout,
} from '../feedback/import-format.ts'
import { valueAt } from '../feedback/import-row.ts'
import type { SuppressionList } from '../feedback/suppression.ts'
import { type CsvRecord, createCsvReader, maxRecordLength } from './csv-reader.ts'

/** How a file is to be read. */
export type Dialect = Layout & { delimiter: string }

/** A file in which no addresses can be found; the text is for whoever sent it. */
export class ImportFileError extends Error {
  override name = 'ImportFileError'
}

/** How much of a file is enough to tell: more than the longest record. */
export const sniffBytes = 2 * maxRecordLength

const delimiters = [',', ';', '\t', '|']
/** Of a file without a header: the first rows may be the very ones that are wrong. */
const maxRecords = 20
const maxShown = 200

/**
 * Finds out by its beginning how a file is written and what its columns mean. `format`: whose export
 * it is, `null` to find out. Throws an ImportFileError when it is empty or has no email addresses.
 */
export function sniff(
  begin: Buffer,
  isWhole: boolean,
  { list, format }: { list: SuppressionList | null; format: ImportFormat | null },
): Dialect {
  const readings = delimiters.map((delimiter) => {
    const records = firstRecords(begin, delimiter, isWhole)
    return { delimiter, records, header: headerOf(records[0], format) }
  })
  const [byCommas = { delimiter: ',', records: [], header: null }] = readings
  const [first] = byCommas.records
  if (first === undefined && isWhole)
    throw new ImportFileError('The file is empty: expected CSV with a column email')
  const { header, delimiter } = mostOf(readings, (reading) => knownColumns(reading.header))
  if (header) return { ...header, delimiter }
  const addressed = mostOf(readings, ({ records }) => records.filter(beginsWithAddress).length)
  const isHeadless = addressed.records.some(beginsWithAddress)
  if (isHeadless || first === undefined || 'fault' in first || first.fields[0]?.includes('@')) {
    return { ...headlessLayout(list, format), delimiter: addressed.delimiter }
  }
  throw new ImportFileError(
    `No column of email addresses: expected a header with email, or addresses in the first column; found ${JSON.stringify(first.fields.join(byCommas.delimiter).slice(0, maxShown))}`,
  )
}

function firstRecords(begin: Buffer, delimiter: string, isWhole: boolean): CsvRecord[] {
  const reader = createCsvReader(delimiter)
  const records = reader.write(begin)
  return [...records, ...(isWhole ? reader.end() : [])].slice(0, maxRecords)
}

function headerOf(record: CsvRecord | undefined, format: ImportFormat | null): Layout | null {
  if (record === undefined || 'fault' in record) return null
  const isData = record.fields.some((_, column) => isAddress(record.fields, column))
  return isData ? null : headerLayout(record.fields, format)
}

function knownColumns(header: Layout | null): number {
  return header === null ? 0 : Object.values(header.columns).filter((index) => index >= 0).length
}

function beginsWithAddress(record: CsvRecord): boolean {
  return 'fields' in record && isAddress(record.fields, 0)
}

function isAddress(fields: readonly string[], column: number): boolean {
  return canonicalAddress(valueAt(fields, column)) !== null
}

/** The first of those that have most. */
function mostOf<T>(candidates: readonly T[], count: (candidate: T) => number): T {
  return candidates.reduce((best, one) => (count(one) > count(best) ? one : best))
}
