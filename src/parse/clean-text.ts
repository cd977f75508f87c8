/**
 * A text as it may leave the reader: one line, no control characters, no half surrogate pairs, at
 * most `maxLength` UTF-16 units. PostgreSQL refuses NUL, and lone surrogates in jsonb.
 */
export function cleanText(text: string, maxLength: number): string {
  const short = text.length > maxLength ? text.slice(0, maxLength) : text
  const line = unclean.test(short) ? short.replace(uncleanRun, ' ').trim() : short
  return halfPair.test(line) ? Buffer.from(line, 'utf8').toString('utf8') : line
}

/** As `cleanText`; `null` for nothing. */
export function cleanOrNull(text: string | null, maxLength: number): string | null {
  if (text === null) return null
  return cleanText(text, maxLength) || null
}

// \p{Cc}: C0, DEL and C1.
const unclean = /\p{Cc}|^ | $| {2}/u
const uncleanRun = /[\p{Cc} ]+/gu
const halfPair = /\p{Surrogate}/u
