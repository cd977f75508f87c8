import type { OriginalMessage } from '../feedback/report.ts'
import { addressesOf } from './address-list.ts'
import { cleanOrNull } from './clean-text.ts'
import { field, type Header } from './header.ts'
import { maxReturnedBytes, maxValueLength } from './limits.ts'
import { bodyBytes, type Part, readEmbedded } from './mime.ts'

/** The returned mail of a report: `message/rfc822`, its header alone, and their kin. */
export function findReturnedPart(parts: readonly Part[]): Part | null {
  return parts.find((candidate) => returnedTypes.has(candidate.mediaType.name)) ?? null
}

export function openReturned(part: Part): Part {
  return readEmbedded(bodyBytes(part, maxReturnedBytes))
}

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
