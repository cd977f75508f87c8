import { readQuotedRecord } from './csv-record.ts'
import { createTextReader } from './csv-text.ts'

/** One record of a CSV file; `line` is where it begins, 1 being the first line of the file. */
export type CsvRecord = { line: number; fields: string[] } | CsvFault

/** A line that cannot be read, and how it begins. */
export type CsvFault = { line: number; fault: 'unterminated-quote' | 'too-long'; text: string }

export type CsvReader = {
  /** The records that end in these bytes. */
  write(bytes: Buffer): CsvRecord[]
  /** The last ones. */
  end(): CsvRecord[]
}

/** In characters: how much is held, and how far a quote is looked for that nobody closed. */
export const maxRecordLength = 65_536

/**
 * Reads CSV as it comes, in memory that does not grow with it. Lines end with LF, CRLF or CR, quoted
 * fields may span them, empty records do not count. Nothing is lost behind a line that cannot be
 * read: it goes on with the next one.
 */
export function createCsvReader(delimiter: string): CsvReader {
  const text = createTextReader()
  let held = ''
  let line = 1
  let isSkipping = false

  function read(more: string, isLast: boolean): CsvRecord[] {
    const input = held + more
    const lineEnd = earlierOf(finder(input, '\n'), finder(input, '\r'))
    const quoteAfter = finder(input, '"')
    const records: CsvRecord[] = []
    let at = 0
    while (at < input.length) {
      const end = lineEnd(at)
      if (!isLast && isOpen(input, end)) {
        if (!isSkipping && end - at <= maxRecordLength) break
        if (!isSkipping) records.push(faultAt('too-long', end))
        isSkipping = true
        at = end
        break
      }
      if (isSkipping) isSkipping = false
      else if (end - at > maxRecordLength) records.push(faultAt('too-long', end))
      else if (end <= quoteAfter(at)) keep(input.slice(at, end).split(delimiter))
      else {
        const record = readQuotedRecord(input, at, end, delimiter, isLast)
        if (typeof record === 'object') {
          if (!isLast && isOpen(input, record.end)) break
          keep(record.fields)
          line += countLineEnds(input.slice(at, record.end))
          advance(record.end)
          continue
        }
        if (record === 'incomplete' && input.length - at <= maxRecordLength) break
        records.push(faultAt('unterminated-quote', end))
      }
      advance(end)
    }
    held = input.slice(at)
    return records

    function keep(fields: string[]): void {
      if (fields.some((field) => field.trim() !== '')) records.push({ line, fields })
    }
    function faultAt(fault: CsvFault['fault'], end: number): CsvFault {
      return { line, fault, text: input.slice(at, Math.min(end, at + maxShown)) }
    }
    function advance(end: number): void {
      at = end + (input.startsWith('\r\n', end) ? 2 : 1)
      line += 1
    }
  }

  return { write: (bytes) => read(text.write(bytes), false), end: () => read(text.end(), true) }
}

/** As long as an address may be. */
const maxShown = 320

/** Whether the next bytes may belong to a line that seems to end at `end`: even a CR may be half. */
function isOpen(input: string, end: number): boolean {
  return end === input.length || (end === input.length - 1 && input[end] === '\r')
}

/** Where something is at or after a position, for positions that only grow; else the length. */
type Finder = (from: number) => number

function finder(input: string, wanted: string): Finder {
  let found = -1
  return (from) => {
    if (found < from) {
      const index = input.indexOf(wanted, from)
      found = index < 0 ? input.length : index
    }
    return found
  }
}

function earlierOf(one: Finder, other: Finder): Finder {
  return (from) => Math.min(one(from), other(from))
}

function countLineEnds(text: string): number {
  return text.match(/\r\n|\r|\n/g)?.length ?? 0
}
