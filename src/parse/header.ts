import { decodeWords } from './encoded-words.ts'
import { maxFieldLength, maxHeaderBytes, maxHeaderFields } from './limits.ts'

/** One header block (RFC 5322 section 2.2), as far as the limits allow. */
export type Header = {
  /** Lower-case. */
  readonly names: readonly string[]
  /** Still folded and encoded; each byte is one character. */
  readonly values: readonly string[]
  /** Where the body begins. */
  readonly bodyStart: number
}

/**
 * Reads the header block of `bytes` between `start` and `end`. Lines that are no fields are taken
 * as continuations, an mbox `From ` line is skipped; a block that begins with no field is empty.
 */
export function readHeader(bytes: string, start: number, end: number): Header {
  const names: string[] = []
  const values: string[] = []
  const lastByte = Math.min(end, start + maxHeaderBytes)
  let position = skipBlankLines(bytes, start, end)
  let valueStart = -1
  let valueEnd = -1
  let name = ''
  const keep = () => {
    if (valueStart < 0) return
    if (names.length >= maxHeaderFields && !structural.has(name)) return
    names.push(name)
    values.push(bytes.slice(valueStart, Math.min(valueEnd, valueStart + maxFieldLength)))
  }
  while (position < lastByte) {
    const newline = bytes.indexOf('\n', position)
    const lineEnd = newline < 0 || newline >= end ? end : newline
    const first = bytes.charCodeAt(position)
    if (first === 10 || (first === 13 && position + 1 >= lineEnd)) {
      keep()
      return { names, values, bodyStart: Math.min(end, lineEnd + 1) }
    }
    if (first !== 32 && first !== 9) {
      const colon = fieldNameEnd(bytes, position, lineEnd)
      if (colon > 0) {
        keep()
        name = bytes.slice(position, colon).trimEnd().toLowerCase()
        valueStart = colon + 1
      } else if (valueStart < 0 && !isMboxLine(bytes, position)) {
        return { names, values, bodyStart: position }
      }
    }
    valueEnd = lineEnd
    position = lineEnd + 1
  }
  keep()
  return { names, values, bodyStart: position >= end ? end : endOfHugeHeader(bytes, position, end) }
}

/** The first field of that lower-case name, unfolded, not decoded; `null` when there is none. */
export function field(header: Header, name: string): string | null {
  const at = header.names.indexOf(name)
  return at < 0 ? null : unfold(header.values[at] ?? '')
}

/** Every field of that lower-case name, unfolded, not decoded. */
export function fields(header: Header, name: string): string[] {
  const found: string[] = []
  for (let at = header.names.indexOf(name); at >= 0; at = header.names.indexOf(name, at + 1)) {
    found.push(unfold(header.values[at] ?? ''))
  }
  return found
}

/** The first field of that name as text for people: RFC 2047 words and bare 8-bit decoded. */
export function textField(header: Header, name: string): string {
  const value = field(header, name)
  return value === null ? '' : decodeWords(value)
}

/** RFC 5322 section 2.2.3 */
export function unfold(value: string): string {
  return value.includes('\n') ? value.replace(/[ \t]*\r?\n[ \t]*/g, ' ').trim() : value.trim()
}

const structural: ReadonlySet<string> = new Set([
  'content-type',
  'content-transfer-encoding',
  'content-disposition',
  'from',
  'to',
  'subject',
  'x-failed-recipients',
  'auto-submitted',
])

const maxNameLength = 100

function fieldNameEnd(bytes: string, start: number, end: number): number {
  const limit = Math.min(end, start + maxNameLength)
  for (let i = start; i < limit; i++) {
    const code = bytes.charCodeAt(i)
    if (code === 58) return i > start ? i : -1
    if (code === 32 || code === 9) return blankThenColon(bytes, i, limit)
    if (code < 33 || code > 126) return -1
  }
  return -1
}

function blankThenColon(bytes: string, start: number, end: number): number {
  let i = start
  while (i < end && (bytes.charCodeAt(i) === 32 || bytes.charCodeAt(i) === 9)) i++
  return bytes.charCodeAt(i) === 58 ? i : -1
}

function isMboxLine(bytes: string, start: number): boolean {
  return bytes.startsWith('From ', start) || bytes.startsWith('>From ', start)
}

function skipBlankLines(bytes: string, start: number, end: number): number {
  let position = start
  // Only at the very top of a message: within parts an empty first line is an empty header.
  if (start !== 0) return start
  while (position < end && (bytes[position] === '\n' || bytes[position] === '\r')) position++
  return position
}

function endOfHugeHeader(bytes: string, start: number, end: number): number {
  const lf = bytes.indexOf('\n\n', start)
  const crlf = bytes.indexOf('\n\r\n', start)
  const found = Math.min(lf < 0 ? end : lf + 2, crlf < 0 ? end : crlf + 3)
  return Math.min(found, end)
}
