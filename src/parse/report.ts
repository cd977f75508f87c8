import type { DeliveryStatusNotification, RecipientStatus, Report } from '../feedback/report.ts'
import { automaticFormat, isChallenge, isVacation } from './automatic-response.ts'
import { type DeliveryStatus, readDeliveryStatus } from './delivery-status.ts'
import { plainFeedbackType, readFeedbackReport, readPartlessComplaint } from './feedback-report.ts'
import { textField } from './header.ts'
import { findHumanText } from './human-text.ts'
import { maxReportBytes, maxTextBytes } from './limits.ts'
import { bodyBytes, bodyText, listParts, type Part, readEmbedded, readMessage } from './mime.ts'
import { findReturnedPart, openReturned, originalMessage } from './original-message.ts'
import { looksLikeAddress } from './recipient-address.ts'
import {
  type Clues,
  encodedTexts,
  findTokens,
  identifyingFields,
  isEncoded,
  returnedTexts,
  unfoldedTokenFields,
} from './sealed-tokens.ts'
import { readSesNotification } from './ses-notification.ts'
import { setAsideFormat } from './set-aside.ts'
import { type BounceSigns, bounceSigns } from './text-bounce/bounce-signs.ts'
import { commandInText, explainRecipients } from './text-bounce/explain-recipients.ts'
import { divideAtQuotation, isQuotedAt } from './text-bounce/quoted-original.ts'
import { failedRecipientsOf, readTextBounce } from './text-bounce/text-bounce.ts'
import { requesterOf, requestTokens, unsubscribeSign } from './unsubscribe-request.ts'

/**
 * What a message says. `null` when that stands in HTML alone: then call again with `htmlText`, the
 * text of it, or '' when that cannot be had. Never throws.
 */
export function parseReport(raw: Buffer, htmlText: string | null = null): Report | null {
  return read(readMessage(raw), htmlText, 0)
}

const maxNesting = 3

type Open = {
  message: Part
  parts: readonly Part[]
  /** The mail that a report returns, and the part that it came in. */
  returned: Part | null
  returnedPart: Part | null
  /** What programs write for programs, decoded, and of that what was encoded. */
  fields: string[]
  hidden: string[]
}

function read(message: Part, htmlText: string | null, nesting: number): Report | null {
  const parts = listParts(message)
  const returnedPart = findReturnedPart(parts)
  const returned = returnedPart && openReturned(returnedPart)
  const open: Open = { message, parts, returned, returnedPart, fields: [], hidden: [] }
  const structured = readStructured(open)
  if (structured !== null) return structured
  const notified = readNotification(open)
  if (notified !== null) return notified
  const { header } = message
  const aside = setAsideFormat(message, parts)
  if (aside !== null) return { type: 'unrecognized', format: aside, ...clues(open) }
  const subject = textField(header, 'subject')
  open.fields.push(subject)
  open.hidden.push(subject)
  const signs = bounceSigns(header, findReportType(parts))
  const tokens = requestTokens(header, subject)
  const sign = unsubscribeSign(message, signs, subject, tokens)
  if (sign === 'request') return unsubscribeRequest(open, tokens)
  if (isChallenge(header)) return automatic(open, 'challenge')
  if (isVacation(header)) return automatic(open, 'vacation')
  const bounce = readUnstructured(open, signs, htmlText, nesting)
  const isNone = bounce === undefined || bounce?.type === 'unrecognized'
  if (sign === 'request-unless-bounce' && isNone) return unsubscribeRequest(open, tokens)
  if (bounce !== undefined) return bounce
  const format = automaticFormat(header)
  if (format !== null) return automatic(open, format)
  return { type: 'unrecognized', format: 'unknown', ...clues(open) }
}

function readStructured(open: Open): Report | null {
  const { parts, returned, message } = open
  const feedback = parts.find((part) => part.mediaType.name === 'message/feedback-report')
  if (feedback !== undefined) {
    const text = bodyText(feedback, maxReportBytes)
    noteFields(open, feedback, text)
    return { ...readFeedbackReport(text, returned?.header ?? null), ...clues(open) }
  }
  const complaint = readComplaint(open)
  if (complaint !== null) return complaint
  if (message.mediaType.reportType === 'disposition-notification' || parts.some(isDisposition)) {
    return automatic(open, 'disposition-notification')
  }
  for (const part of parts) {
    if (!statusTypes.has(part.mediaType.name)) continue
    const text = bodyText(part, maxReportBytes)
    const status = readDeliveryStatus(text)
    noteFields(open, part, text)
    const report = deliveryStatus(open, 'rfc3464', status)
    if (report !== null) return isChallenge(message.header) ? automatic(open, 'challenge') : report
  }
  return null
}

/** A complaint without a report part: Microsoft's, or one that only its text calls so. */
function readComplaint(open: Open): Report | null {
  const { message, parts, returned } = open
  if (returned?.header.names.includes('x-hmxmroriginalrecipient')) {
    const fields = readPartlessComplaint('microsoft-jmrp', 'abuse', returned.header)
    return { ...fields, ...clues(open) }
  }
  const { reportType } = message.mediaType
  if (reportType !== null && reportType !== 'feedback-report') return null
  const human = findHumanText(parts)
  if (human.kind !== 'text') return null
  const type = plainFeedbackType(human.text)
  const header = returned?.header ?? divideAtQuotation(human.text).quoted
  if (type === null || header === null) return null
  return { ...readPartlessComplaint('arf-text', type, header), ...clues(open) }
}

const statusTypes: ReadonlySet<string> = new Set([
  'message/delivery-status',
  'message/global-delivery-status',
])

function isDisposition(part: Part): boolean {
  return /^message\/(?:global-)?disposition-notification$/.test(part.mediaType.name)
}

/** The report of a delivery-status part; `null` when nobody says whose status it is. */
function deliveryStatus(
  open: Open,
  format: string,
  status: DeliveryStatus,
): DeliveryStatusNotification | null {
  const { nameless, ...rest } = status
  let recipients: readonly RecipientStatus[] = status.recipients
  if (nameless !== null && !recipients.some((r) => looksLikeAddress(r.finalRecipient))) {
    const failed = failedRecipientsOf(open.message.header)
    const named = failed.map((finalRecipient) => {
      return { finalRecipient, originalRecipient: null, actualRecipient: null, ...nameless }
    })
    if (named.length > 0) recipients = named
  }
  if (recipients.length === 0) return null
  recipients = explained(open.parts, recipients)
  return { type: 'delivery-status', format, ...rest, recipients, ...clues(open) }
}

/** With what the text beside the report adds. Decoding that is dear, and most need it for nothing. */
function explained(
  parts: readonly Part[],
  recipients: readonly RecipientStatus[],
): readonly RecipientStatus[] {
  const [only, second] = recipients
  if (only !== undefined && second === undefined && only.diagnosticCode !== null) {
    if (only.smtpCommand !== null) return recipients
    const text = parts.find((part) => part.mediaType.name === 'text/plain')
    if (text === undefined) return recipients
    const smtpCommand = commandInText(only, bodyBytes(text, maxTextBytes))
    return smtpCommand === null ? recipients : [{ ...only, smtpCommand }]
  }
  const human = findHumanText(parts)
  return human.kind === 'text' ? explainRecipients(recipients, human.text) : recipients
}

function readNotification(open: Open): Report | null {
  if (!open.message.header.names.includes('x-amz-sns-message-id')) return null
  const human = findHumanText(open.parts)
  const found = human.kind === 'text' ? readSesNotification(human.text) : null
  if (found === null) return null
  if (found.kind === 'feedback-report') return { ...found.fields, ...clues(open) }
  const { reportingMta, recipients } = found
  const report = { format: 'amazon-sns', reportingMta, originalEnvelopeId: null, recipients }
  return { type: 'delivery-status', ...report, ...clues(open) }
}

/** `undefined`: no bounce; `null`: the HTML must be read first. */
function readUnstructured(
  open: Open,
  signs: BounceSigns,
  htmlText: string | null,
  nesting: number,
): Report | null | undefined {
  const { message, parts, returned } = open
  if (!signs.certain && !signs.sender && !signs.subject && !signs.nullPath) return undefined
  for (const part of parts) {
    const inline = inlineStatus(part, isUnopened(part, parts))
    if (inline === null) continue
    const report = deliveryStatus(open, 'rfc3464', readDeliveryStatus(inline))
    if (report !== null) return report
  }
  if (nesting < maxNesting && (signs.sender || signs.subject)) {
    const nested = parts.find((part) => part.mediaType.name === 'message/rfc822')
    const inner = nested === undefined ? null : readNested(nested, nesting)
    if (inner !== null) return inner
  }
  const human = findHumanText(parts)
  if (human.kind === 'html' && htmlText === null) return null
  const text = human.kind === 'text' ? human.text : (htmlText ?? '')
  const to = returned === null ? [] : (originalMessage(returned.header)?.to ?? [])
  const bounce = readTextBounce(message.header, signs, text, to)
  if (bounce === null) return undefined
  const { original, ...tokens } = clues(open)
  const found = { ...tokens, original: original ?? bounce.quoted }
  const { format, reportingMta, recipients } = bounce
  // Somebody should see it: there may be a format in it that we do not know.
  if (recipients.length === 0) {
    return { type: 'unrecognized', format: 'bounce-without-recipient', ...found }
  }
  const report = { format, reportingMta, originalEnvelopeId: null, recipients }
  return { type: 'delivery-status', ...report, ...found }
}

/** Fields of a delivery status in a part of another type, or where the boundaries are broken. */
function inlineStatus(part: Part, unopened: boolean): string | null {
  const { name } = part.mediaType
  if (name === 'message/rfc822') return null
  if (!unopened && !name.startsWith('text/') && !name.startsWith('message/')) return null
  const text = bodyText(part, unopened ? maxReportBytes : maxTextBytes)
  const recipient = /^(?:Final|Original)-Recipient[ \t]*:/im.exec(text)
  if (recipient === null || !/^(?:Action|Status)[ \t]*:/im.test(text)) return null
  if (!unopened && isQuotedAt(text, recipient.index)) return null
  const start = /^(?:Reporting-MTA|Action|Status|Arrival-Date)[ \t]*:/im.exec(text)?.index
  const end = /^(?:Received|Return-Path|--)[^\n]*$/im.exec(text.slice(recipient.index))?.index
  return text.slice(
    Math.min(start ?? recipient.index, recipient.index),
    end === undefined ? text.length : recipient.index + end,
  )
}

/** A multipart whose parts could not be told apart, or that stands too deep. */
function isUnopened(part: Part, parts: readonly Part[]): boolean {
  if (!part.mediaType.name.startsWith('multipart/')) return false
  const next = parts[parts.indexOf(part) + 1]
  return next === undefined || (next.bytes === part.bytes && next.start >= part.end)
}

/** RFC 6522; the report may stand within the multipart of a mailing list. */
function findReportType(parts: readonly Part[]): string | null {
  for (const part of parts) if (part.mediaType.reportType !== null) return part.mediaType.reportType
  return null
}

function readNested(part: Part, nesting: number): Report | null {
  const inner = readEmbedded(bodyBytes(part, maxReportBytes))
  const isReport = inner.mediaType.name === 'multipart/report'
  const report = isReport ? read(inner, '', nesting + 1) : null
  return report?.type === 'delivery-status' || report?.type === 'feedback-report' ? report : null
}

function unsubscribeRequest(open: Open, tokens: readonly string[]): Report {
  const from = requesterOf(open.message.header)
  const request = { ...clues(open), sealedTokens: tokens }
  return { type: 'unsubscribe-request', format: 'mailto', from, ...request }
}

function automatic(open: Open, format: string): Report {
  return { type: 'automatic-response', format, ...clues(open) }
}

/** The text of a part that programs write for programs. */
function noteFields({ fields, hidden }: Open, part: Part, text: string): void {
  fields.push(text)
  if (isEncoded(part)) hidden.push(text)
}

function clues({ message, parts, returned, returnedPart, fields, hidden }: Open): Clues {
  hidden.push(...unfoldedTokenFields(message.header), ...encodedTexts(parts))
  if (returned !== null && returnedPart !== null) {
    hidden.push(...unfoldedTokenFields(returned.header))
    hidden.push(...returnedTexts(returned, isEncoded(returnedPart)))
  }
  const { sealedTokens, quotedTokens, returnPaths } = findTokens(message.bytes, hidden, () => [
    ...fields,
    ...identifyingFields(message.header),
    ...(returned === null ? [] : identifyingFields(returned.header)),
  ])
  const original = returned === null ? null : originalMessage(returned.header)
  return { sealedTokens, quotedTokens, returnPaths, original }
}
