import { decodeCharset } from './charset.ts'
import { field, type Header, readHeader } from './header.ts'
import { maxBoundaryLength, maxDepth, maxMessageBytes, maxParts } from './limits.ts'
import { type MediaType, parseMediaType } from './media-type.ts'
import { decodeTransfer } from './transfer-encoding.ts'

/** A message or one part of it (RFC 2046): a window on bytes, one character for each. */
export type Part = {
  readonly bytes: string
  readonly start: number
  readonly end: number
  readonly header: Header
  readonly mediaType: MediaType
}

/** Reads the outermost header of a message. Any bytes will do. */
export function readMessage(raw: Buffer): Part {
  let bytes = raw.toString('latin1', 0, maxMessageBytes)
  if (bytes.startsWith('\xef\xbb\xbf')) bytes = bytes.slice(3)
  if (bytes.includes('\0')) bytes = bytes.replaceAll('\0', '')
  if (!bytes.includes('\n')) bytes = bytes.replaceAll('\r', '\n')
  return readPart(bytes, 0, bytes.length, 'text/plain')
}

/** Reads bytes that are a message of their own, such as a `message/rfc822` part's. */
export function readEmbedded(bytes: string): Part {
  return readPart(bytes, 0, bytes.length, 'text/plain')
}

/** The body without its transfer encoding, at most about `maxBytes` of it. */
export function bodyBytes(part: Part, maxBytes: number): string {
  const encoding = field(part.header, 'content-transfer-encoding')
  // Base64 takes 4 bytes for 3, quoted-printable up to 3 for 1.
  const factor = encoding === null ? 1 : 3
  const end = Math.min(part.end, part.header.bodyStart + maxBytes * factor)
  const body = part.bytes.slice(part.header.bodyStart, end)
  return encoding === null ? body : decodeTransfer(body, encoding).slice(0, maxBytes)
}

/** The body as text. */
export function bodyText(part: Part, maxBytes: number): string {
  return decodeCharset(bodyBytes(part, maxBytes), part.mediaType.charset)
}

/**
 * All parts in the order they stand, containers before what they contain, the message first.
 * Returned and attached messages are not opened.
 */
export function listParts(message: Part): Part[] {
  const found: Part[] = []
  collect(message, 0, found)
  return found
}

function collect(part: Part, depth: number, found: Part[]): void {
  if (found.length >= maxParts) return
  found.push(part)
  if (depth >= maxDepth || part.mediaType.name.startsWith('message/')) return
  const { boundary, name } = part.mediaType
  if (boundary === null && !name.startsWith('multipart/') && depth > 0) return
  const childType = name === 'multipart/digest' ? 'message/rfc822' : 'text/plain'
  for (const child of children(part, boundary, childType)) {
    if (found.length >= maxParts) return
    collect(child, depth + 1, found)
  }
}

function children(part: Part, declared: string | null, childType: string): Part[] {
  const { bodyStart } = part.header
  if (declared !== null) {
    const found = split(part.bytes, bodyStart, part.end, declared, childType)
    if (found.length > 0) return found
  }
  const isMultipart = part.mediaType.name.startsWith('multipart/')
  const encoding = isMultipart ? field(part.header, 'content-transfer-encoding') : null
  if (encoding !== null && /base64|quoted/i.test(encoding)) {
    // RFC 2045 section 6.4 forbids it, some gateways do it.
    const decoded = decodeTransfer(part.bytes.slice(bodyStart, part.end), encoding)
    const found = split(
      decoded,
      0,
      decoded.length,
      declared ?? guessBoundary(decoded, 0),
      childType,
    )
    if (found.length > 0) return found
  }
  // A plain text may quote a whole multipart message: only its own first line counts there.
  const guessed = isMultipart ? guessBoundary(part.bytes, bodyStart) : firstLineBoundary(part)
  return split(part.bytes, bodyStart, part.end, guessed, childType)
}

function split(
  bytes: string,
  start: number,
  end: number,
  boundary: string | null,
  childType: string,
): Part[] {
  if (boundary === null) return []
  const found: Part[] = []
  const delimiter = `--${boundary}`
  let partStart = -1
  let at = bytes.startsWith(delimiter, start) ? start : nextDelimiter(bytes, delimiter, start, end)
  while (at >= 0) {
    const after = at + delimiter.length
    const newline = bytes.indexOf('\n', after)
    const lineEnd = newline < 0 || newline > end ? end : newline
    const rest = bytes.slice(after, Math.min(lineEnd, after + maxBoundaryLength)).trim()
    if (rest === '' || rest === '--') {
      if (partStart >= 0)
        found.push(readPart(bytes, partStart, beforeNewline(bytes, at), childType))
      if (found.length >= maxParts) return found
      if (rest === '--') return found
      partStart = Math.min(lineEnd + 1, end)
    }
    at = nextDelimiter(bytes, delimiter, after, end)
  }
  if (partStart >= 0 && partStart < end) found.push(readPart(bytes, partStart, end, childType))
  return found
}

function nextDelimiter(bytes: string, delimiter: string, start: number, end: number): number {
  const at = bytes.indexOf(`\n${delimiter}`, start)
  return at < 0 || at >= end ? -1 : at + 1
}

/** The line break before a delimiter belongs to it (RFC 2046 section 5.1.1). */
function beforeNewline(bytes: string, at: number): number {
  return bytes[at - 2] === '\r' ? at - 2 : at - 1
}

const boundaryLine =
  /(?:^|\n)--([^\s-][^\r\n]{4,198}|-[^\r\n]{4,198})\r?\n(?=Content-[\w-]{1,40}[ \t]{0,9}:)/i
const maxGuessBytes = 64 * 1024

/** For a multipart without its boundary: a line `--something` that a part's header follows. */
function guessBoundary(bytes: string, start: number): string | null {
  return boundaryLine.exec(bytes.slice(start, start + maxGuessBytes))?.[1]?.trimEnd() ?? null
}

function firstLineBoundary(part: Part): string | null {
  if (part.mediaType.name !== 'text/plain' || part.header.names.includes('content-type'))
    return null
  const head = part.bytes.slice(part.header.bodyStart, part.header.bodyStart + maxPreambleBytes)
  return openingBoundary.exec(head)?.[1]?.trimEnd() ?? null
}

const openingBoundary =
  /^\s{0,20}(?:this is a (?:multi|mime)[^\r\n]{0,100}\s{1,8})?--([^\s][^\r\n]{4,198})\r?\nContent-[\w-]{1,40}[ \t]{0,9}:/i
const maxPreambleBytes = 1_024

function readPart(bytes: string, start: number, end: number, defaultType: string): Part {
  const safeEnd = Math.max(start, end)
  const header = readHeader(bytes, start, safeEnd)
  const mediaType = parseMediaType(field(header, 'content-type'), defaultType)
  return { bytes, start, end: safeEnd, header, mediaType }
}
