/** What one record is: its fields, and where the next one begins; or why there is none. */
export type RecordRead =
  | { fields: string[]; end: number }
  /** The text ends before the record does. */
  | 'incomplete'
  /** A quote that is never closed, as far as one can see. */
  | 'unterminated'

/**
 * Reads the record that begins at `start` (RFC 4180 section 2). Its first line ends at `lineEnd`.
 * Where quotes do not make sense on that line they are taken for letters.
 */
export function readQuotedRecord(
  text: string,
  start: number,
  lineEnd: number,
  delimiter: string,
  isLast: boolean,
): RecordRead {
  const fields: string[] = []
  let at = start
  for (;;) {
    const quote = skipBlanks(text, at, delimiter)
    let end: number
    if (text[quote] === '"') {
      const closing = closingQuote(text, quote + 1)
      // The quote may be the first of two.
      if (closing < 0 || (closing + 1 === text.length && !isLast)) {
        return isLast ? 'unterminated' : 'incomplete'
      }
      end = skipBlanks(text, closing + 1, delimiter)
      if (!isFieldEnd(text, end, delimiter)) {
        if (end > lineEnd) return 'unterminated'
        return { fields: text.slice(start, lineEnd).split(delimiter), end: lineEnd }
      }
      fields.push(text.slice(quote + 1, closing).replaceAll('""', '"'))
    } else {
      end = fieldEnd(text, at, delimiter)
      fields.push(text.slice(at, end))
    }
    if (end === text.length && !isLast) return 'incomplete'
    if (text[end] !== delimiter) return { fields, end }
    at = end + 1
  }
}

/** Where the quoted text ends that begins at `at`; -1 when it does not. */
function closingQuote(text: string, at: number): number {
  for (let quote = text.indexOf('"', at); quote >= 0; quote = text.indexOf('"', quote + 2)) {
    if (text[quote + 1] !== '"') return quote
  }
  return -1
}

function skipBlanks(text: string, from: number, delimiter: string): number {
  let at = from
  while (text[at] === ' ' || (text[at] === '\t' && delimiter !== '\t')) at += 1
  return at
}

function fieldEnd(text: string, from: number, delimiter: string): number {
  let at = from
  while (!isFieldEnd(text, at, delimiter)) at += 1
  return at
}

function isFieldEnd(text: string, at: number, delimiter: string): boolean {
  const character = text[at]
  return (
    character === undefined || character === delimiter || character === '\n' || character === '\r'
  )
}
