import type { FeedbackReport } from '../feedback/report.ts'
import { addressesOf } from './address-list.ts'
import { cleanOrNull, cleanText } from './clean-text.ts'
import { readMtaName } from './delivery-status.ts'
import { type ReportField, readFieldBlocks, reportField, reportFields } from './fields.ts'
import { field, fields, type Header } from './header.ts'
import { maxValueLength } from './limits.ts'
import { looksLikeAddress, recipientAddress } from './recipient-address.ts'
import type { Clues } from './sealed-tokens.ts'

/** A feedback report without the clues that every report may carry. */
export type FeedbackFields = Omit<FeedbackReport, keyof Clues>

/**
 * Reads the text of a `message/feedback-report` part (RFC 5965 section 3) together with the header
 * of the mail that it returns. A part without a type reports abuse, as all of them once did.
 */
export function readFeedbackReport(text: string, returned: Header | null): FeedbackFields {
  const block = readFieldBlocks(text).flat()
  return {
    type: 'feedback-report',
    format: 'arf',
    feedbackType: feedbackType(block),
    userAgent: cleanOrNull(reportField(block, 'user-agent'), maxValueLength),
    reportingMta: readMtaName(reportField(block, 'reporting-mta')),
    sourceIp: sourceIp(reportField(block, 'source-ip')),
    originalMailFrom: addressesOf(reportField(block, 'original-mail-from'))[0] ?? null,
    originalEnvelopeId: cleanOrNull(reportField(block, 'original-envelope-id'), maxValueLength),
    ...complainers(block, returned),
    verifiedSender: null,
  }
}

/** A complaint that comes as the returned mail alone, in a provider's own shape. */
export function readPartlessComplaint(
  format: string,
  type: string,
  returned: Header,
): FeedbackFields {
  return {
    type: 'feedback-report',
    format,
    feedbackType: type,
    userAgent: null,
    reportingMta: null,
    sourceIp: sourceIp(field(returned, 'x-originating-ip')),
    originalMailFrom: addressesOf(field(returned, 'return-path'))[0] ?? null,
    originalEnvelopeId: null,
    ...complainers([], returned),
    verifiedSender: null,
  }
}

/**
 * The type of a report that says so in its text alone: `This is an email abuse report for an email
 * message received from IP …`. `null` when it says nothing of the kind.
 */
export function plainFeedbackType(text: string): string | null {
  const words = plainReport.exec(text.slice(0, maxOpening))?.[1]?.toLowerCase()
  if (words === undefined) return null
  if (/auth|dmarc|dkim|spf/.test(words)) return 'auth-failure'
  if (/opt-?out|unsubscri/.test(words)) return 'opt-out'
  return /abuse|spam|complaint|feedback/.test(words) ? 'abuse' : null
}

const maxOpening = 2_000
const plainReport =
  /\bthis is an? ([\w/ -]{0,60}?)report (?:for|of|about) an? (?:e-?mail )?message\b/i

function feedbackType(block: readonly ReportField[]): string {
  const value = reportField(block, 'feedback-type') ?? reportField(block, 'abuse-type') ?? 'abuse'
  const word = /[a-z][a-z0-9_-]*/.exec(value.toLowerCase())?.[0] ?? 'other'
  return word === 'complaint' ? 'abuse' : word.replaceAll('_', '-').slice(0, 60)
}

/**
 * Whom the report is about: the first source that names anybody. The To field of the returned mail
 * comes before its Received fields: after a forward it alone names the address that was written to.
 */
function complainers(
  block: readonly ReportField[],
  returned: Header | null,
): Pick<FeedbackReport, 'recipients' | 'isNamedByAuthor'> {
  for (const name of ['original-rcpt-to', 'removal-recipient']) {
    const named = realAddresses(reportFields(block, name))
    if (named.length > 0) return { recipients: named, isNamedByAuthor: true }
  }
  if (returned === null) return { recipients: [], isNamedByAuthor: false }
  // Of several, all but the first came with the mail. Beside a report of fields, it may have, too.
  const microsoft = realAddresses(fields(returned, 'x-hmxmroriginalrecipient').slice(0, 1))
  if (microsoft.length > 0) return { recipients: microsoft, isNamedByAuthor: block.length === 0 }
  const to = addressesOf(field(returned, 'to')).filter(isReal)
  if (to.length === 1) return { recipients: to, isNamedByAuthor: isToAuthentic(returned) }
  return { recipients: receivedFor(returned).slice(0, 1), isNamedByAuthor: false }
}

/** Whoever sends a signed mail on to a mailbox of his own can write what its signatures leave out. */
function isToAuthentic(returned: Header): boolean {
  const signatures = fields(returned, 'dkim-signature')
  return (
    fields(returned, 'to').length === 1 &&
    signatures.every((signature) => signedFields(signature).includes('to'))
  )
}

/** RFC 6376 section 3.5 */
function signedFields(signature: string): string[] {
  const names = /(?:^|;)\s{0,9}h\s{0,9}=([^;]{0,4000})/i.exec(signature)?.[1] ?? ''
  return names.split(':').map((name) => name.trim().toLowerCase())
}

function realAddresses(values: readonly string[]): string[] {
  const found = new Set<string>()
  for (const value of values) {
    const several = value.includes(',') || value.includes('>') ? addressesOf(value) : []
    const candidates = several.length > 0 ? several : [recipientAddress(value) ?? '']
    for (const address of candidates) if (isReal(address)) found.add(address)
  }
  return [...found]
}

/** Neither redacted nor the hash of an address. */
function isReal(address: string): boolean {
  return looksLikeAddress(address) && !redacted.test(address)
}

const redacted =
  /redacted|^(?:hidden|anonymi[sz]ed|removed|undisclosed|masked|x{3,}|\*+|[0-9a-f]{32,})@|@(?:redacted|hidden|x{3,}(?:\.x+)*$)/i

function receivedFor(header: Header): string[] {
  const found: string[] = []
  for (const value of fields(header, 'received')) {
    const address = /\sfor\s{1,9}<?([^\s<>;@]{1,256}@[^\s<>;@]{1,256})>?\s{0,9}(?:;|$|\()/i.exec(
      value,
    )
    const text = address?.[1] ?? ''
    if (isReal(text)) found.push(text)
  }
  return found
}

function sourceIp(value: string | null): string | null {
  const found = /[0-9a-f:.]{3,45}/i.exec(value?.replace(/^\s*(?:ip|dns)\s*;/i, '') ?? '')?.[0]
  return found === undefined ? null : cleanText(found, 45)
}
