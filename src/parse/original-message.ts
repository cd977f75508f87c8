import type { OriginalMessage } from '../feedback/report.ts'
import { addressesOf } from './address-list.ts'
import { cleanOrNull } from './clean-text.ts'
import { field, type Header } from './header.ts'
import { maxReturnedBytes, maxTextBytes, maxValueLength } from './limits.ts'
import { bodyBytes, listParts, type Part, readEmbedded } from './mime.ts'

/** Opens the returned mail of a report: `message/rfc822`, its header alone, and their kin. */
export function returnedMessage(parts: readonly Part[]): Part | null {
  const part = parts.find((candidate) => returnedTypes.has(candidate.mediaType.name))
  return part === undefined ? null : readEmbedded(bodyBytes(part, maxReturnedBytes))
}

/** The texts of returned mail that cannot be read where they stand, since they are in base64. */
export function returnedTexts(returned: Part): string[] {
  const texts = returned.start === 0 ? [returned.bytes] : []
  if (!/base64/i.test(returned.bytes)) return texts
  for (const part of listParts(returned).slice(0, maxReturnedParts)) {
    const encoding = field(part.header, 'content-transfer-encoding') ?? ''
    const isText = part.mediaType.name.startsWith('text/')
    if (isText && /^base64/i.test(encoding)) texts.push(bodyBytes(part, maxTextBytes))
  }
  return texts
}

const maxReturnedParts = 20

/** What the header of the returned mail says. */
export function originalMessage(header: Header): OriginalMessage | null {
  const original: OriginalMessage = {
    messageId: cleanOrNull(field(header, 'message-id'), maxValueLength),
    from: addressesOf(field(header, 'from'))[0] ?? null,
    to: addressesOf(field(header, 'to')),
    returnPath: addressesOf(field(header, 'return-path'))[0] ?? null,
  }
  const isEmpty = original.messageId === null && original.from === null && original.to.length === 0
  return isEmpty && original.returnPath === null ? null : original
}

const returnedTypes: ReadonlySet<string> = new Set([
  'message/rfc822',
  'message/global',
  'text/rfc822-headers',
  'text/rfc822-header',
  'text/rfc822',
  'message/global-headers',
  'message/rfc822-headers',
  'message/partial',
])
