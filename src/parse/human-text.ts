import { field } from './header.ts'
import {
  maxHtmlMessageBytes,
  maxLongTextBytes,
  maxTextBytes,
  maxTextLine,
  maxValueLength,
} from './limits.ts'
import { bodyText, listParts, type Part } from './mime.ts'

/** The text that a report holds for people. */
export type HumanText =
  | { kind: 'text'; text: string }
  /** Nothing but HTML. */
  | { kind: 'html'; part: Part }
  | { kind: 'none' }

/** Finds the first text of a message that is no attachment and no empty one. */
export function findHumanText(parts: readonly Part[]): HumanText {
  for (const part of parts) {
    const { name, boundary } = part.mediaType
    if (name === 'text/html' && !isAttachment(part)) return { kind: 'html', part }
    if (name !== 'text/plain' && !(boundary === null && isOddText(part, parts))) continue
    if (isAttachment(part)) continue
    const text = normalLines(readableText(part))
    if (text.trim() === '') continue
    return looksLikeHtml(text) ? { kind: 'html', part } : { kind: 'text', text }
  }
  return { kind: 'none' }
}

/**
 * A message of its own of the HTML part of another, '' when that has none: mailparser is not to
 * meet the header of a stranger, for which alone it may need a second and 200 MB.
 */
export function htmlMessage(message: Part): Buffer {
  const human = findHumanText(listParts(message))
  if (human.kind !== 'html') return Buffer.alloc(0)
  const { header, bytes, end } = human.part
  const charset = human.part.mediaType.charset ?? 'utf-8'
  const encoding = (field(header, 'content-transfer-encoding') ?? '8bit').slice(0, maxValueLength)
  const body = bytes.slice(header.bodyStart, Math.min(end, header.bodyStart + maxHtmlMessageBytes))
  const type = `Content-Type: text/html; charset="${charset}"\r\n`
  const head = `${type}Content-Transfer-Encoding: ${encoding}\r\n\r\n`
  return Buffer.from(head + body, 'latin1')
}

/**
 * The text of a part; of one that is too long, the heads of its lines, so that neither a huge line
 * nor a million blank ones hide what stands below.
 */
function readableText(part: Part): string {
  if (part.end - part.header.bodyStart <= maxTextBytes) return bodyText(part, maxTextBytes)
  const body = bodyText(part, maxLongTextBytes)
  const lines: string[] = []
  let length = 0
  let isBlank = false
  for (let start = 0; start < body.length && length < maxTextBytes; ) {
    const newline = body.indexOf('\n', start)
    const end = newline < 0 ? body.length : newline
    const line = body.slice(start, Math.min(end, start + maxTextLine)).trimEnd()
    if (line !== '' || !isBlank) {
      lines.push(line)
      length += line.length + 1
    }
    isBlank = line === ''
    start = end + 1
  }
  return lines.join('\n')
}

/** LF alone; old reports end their lines with anything. */
function normalLines(text: string): string {
  if (!text.includes('\r')) return text
  return text.replaceAll('\r\n', '\n').replaceAll('\r', '\n')
}

/** A multipart that turned out to have no parts, or a type nobody knows, as the only thing there. */
function isOddText(part: Part, parts: readonly Part[]): boolean {
  if (parts.length > 1) return false
  return part.mediaType.name.startsWith('multipart/') || !part.mediaType.name.includes('/')
}

function isAttachment(part: Part): boolean {
  return /^\s*attachment/i.test(field(part.header, 'content-disposition') ?? '')
}

function looksLikeHtml(text: string): boolean {
  return /^\s{0,50}<(?:!doctype html|html|head|body|div|table|p)\b/i.test(text)
}
