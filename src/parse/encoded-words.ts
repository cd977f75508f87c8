import { decodeCharset } from './charset.ts'
import { decodeBase64, decodeQuotedPrintable } from './transfer-encoding.ts'

/** RFC 2047: a header value with its encoded words decoded; bare 8-bit is taken as UTF-8 or 1252. */
export function decodeWords(value: string): string {
  if (!value.includes('=?')) return decodeCharset(value, null)
  const joined = value.replace(betweenWords, '$1')
  let text = ''
  let end = 0
  for (const found of joined.matchAll(encodedWord)) {
    text += decodeCharset(joined.slice(end, found.index), null)
    text += decodeWord(found[1] ?? '', found[2] ?? '', found[3] ?? '')
    end = found.index + found[0].length
  }
  return text + decodeCharset(joined.slice(end), null)
}

const encodedWord = /=\?([\w.:()-]{1,40})(?:\*[\w-]{0,20})?\?([bq])\?([^?\s]{0,2000})\?=/gi

/** White space between two encoded words is not text (RFC 2047 section 6.2). */
const betweenWords = /(\?=)\s+(?==\?)/g

function decodeWord(charset: string, encoding: string, content: string): string {
  const bytes =
    encoding.toLowerCase() === 'b'
      ? decodeBase64(content)
      : decodeQuotedPrintable(content.replaceAll('_', ' '))
  return decodeCharset(bytes, charset)
}
