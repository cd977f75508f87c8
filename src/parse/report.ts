import type { DeliveryStatusNotification, OriginalMessage, Report } from '../feedback/report.ts'
import { automaticFormat, isChallenge, isVacation } from './automatic-response.ts'
import { type DeliveryStatus, readDeliveryStatus } from './delivery-status.ts'
import { readFeedbackReport, readPartlessComplaint } from './feedback-report.ts'
import { textField } from './header.ts'
import { findHumanText, type HumanText } from './human-text.ts'
import { maxReportBytes, maxTextBytes } from './limits.ts'
import { bodyBytes, bodyText, listParts, type Part, readEmbedded, readMessage } from './mime.ts'
import { originalMessage, returnedMessage } from './original-message.ts'
import { looksLikeAddress } from './recipient-address.ts'
import { sealedTokensIn } from './sealed-tokens.ts'
import { readSesNotification } from './ses-notification.ts'
import { setAsideFormat } from './set-aside.ts'
import { bounceSigns } from './text-bounce/bounce-signs.ts'
import { explainRecipients } from './text-bounce/read-recipients.ts'
import { failedRecipientsOf, readTextBounce } from './text-bounce/text-bounce.ts'
import { isUnsubscribeRequest, requesterOf } from './unsubscribe-request.ts'

/**
 * What a message says. `null` when that stands in HTML alone: then call again with `htmlText`, the
 * text of it, or '' when that cannot be had. Never throws.
 */
export function parseReport(raw: Buffer, htmlText: string | null = null): Report | null {
  return read(readMessage(raw), htmlText, 0)
}

const maxNesting = 3

type Open = { message: Part; parts: readonly Part[]; returned: Part | null; texts: string[] }

function read(message: Part, htmlText: string | null, nesting: number): Report | null {
  const parts = listParts(message)
  const open: Open = { message, parts, returned: returnedMessage(parts), texts: [message.bytes] }
  const structured = readStructured(open)
  if (structured !== null) return structured
  const notified = readNotification(open)
  if (notified !== null) return notified
  const { header } = message
  const aside = setAsideFormat(message, parts)
  if (aside !== null) return { type: 'unrecognized', format: aside, ...clues(open) }
  const subject = textField(header, 'subject')
  open.texts.push(subject)
  if (isUnsubscribeRequest(header, sealedTokensIn([subject]))) {
    const from = requesterOf(header)
    return { type: 'unsubscribe-request', format: 'mailto', from, ...clues(open) }
  }
  if (isChallenge(header)) return automatic(open, 'challenge')
  if (isVacation(header)) return automatic(open, 'vacation')
  const bounce = readUnstructured(open, htmlText, nesting)
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
    open.texts.push(text)
    return { ...readFeedbackReport(text, returned?.header ?? null), ...clues(open) }
  }
  if (returned?.header.names.includes('x-hmxmroriginalrecipient')) {
    return { ...readPartlessComplaint('microsoft-jmrp', returned.header), ...clues(open) }
  }
  if (message.mediaType.reportType === 'disposition-notification' || parts.some(isDisposition)) {
    return automatic(open, 'disposition-notification')
  }
  for (const part of parts) {
    if (!statusTypes.has(part.mediaType.name)) continue
    const text = bodyText(part, maxReportBytes)
    const status = readDeliveryStatus(text)
    open.texts.push(text)
    const report = deliveryStatus(open, 'rfc3464', status)
    if (report !== null) return isChallenge(message.header) ? automatic(open, 'challenge') : report
  }
  return null
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
  let { recipients } = status
  if (nameless !== null && !recipients.some((r) => looksLikeAddress(r.finalRecipient))) {
    const failed = failedRecipientsOf(open.message.header)
    recipients = failed.map((finalRecipient) => {
      return { finalRecipient, originalRecipient: null, actualRecipient: null, ...nameless }
    })
  }
  if (recipients.length === 0) return null
  if (recipients.some((recipient) => recipient.diagnosticCode === null)) {
    const human = findHumanText(open.parts)
    if (human.kind === 'text') recipients = explainRecipients(recipients, human.text)
  }
  return { type: 'delivery-status', format, ...rest, recipients, ...clues(open) }
}

function readNotification(open: Open): Report | null {
  if (!open.message.header.names.includes('x-amz-sns-message-id')) return null
  const found = readSesNotification(bodyText(open.message, maxTextBytes))
  if (found === null) return null
  if (found.kind === 'feedback-report') return { ...found.fields, ...clues(open) }
  const { reportingMta, recipients } = found
  const report = { format: 'amazon-sns', reportingMta, originalEnvelopeId: null, recipients }
  return { type: 'delivery-status', ...report, ...clues(open) }
}

/** `undefined`: no bounce; `null`: the HTML must be read first. */
function readUnstructured(
  open: Open,
  htmlText: string | null,
  nesting: number,
): Report | null | undefined {
  const { message, parts, returned } = open
  const signs = bounceSigns(message.header, message.mediaType.reportType)
  if (!signs.certain && !signs.sender && !signs.subject && !signs.nullPath) return undefined
  for (const part of parts) {
    const inline = inlineStatus(part, part === parts.at(-1))
    if (inline === null) continue
    const report = deliveryStatus(open, 'rfc3464', readDeliveryStatus(inline))
    if (report !== null) return report
  }
  if (nesting < maxNesting && (signs.sender || signs.subject)) {
    const nested = parts.find((part) => part.mediaType.name === 'message/rfc822')
    const inner = nested === undefined ? null : readNested(nested, nesting)
    if (inner !== null) return inner
  }
  const human: HumanText =
    htmlText === null ? findHumanText(parts) : { kind: 'text', text: htmlText }
  if (human.kind === 'html') return null
  const text = human.kind === 'text' ? human.text : ''
  const to = returned === null ? [] : (originalMessage(returned.header)?.to ?? [])
  const bounce = readTextBounce(message.header, message.mediaType.reportType, text, to)
  if (bounce === null) return undefined
  const found = clues(open)
  return {
    type: 'delivery-status',
    format: bounce.format,
    reportingMta: null,
    originalEnvelopeId: null,
    recipients: bounce.recipients,
    sealedTokens: found.sealedTokens,
    original: found.original ?? bounce.quoted,
  }
}

/** Fields of a delivery status in a part of another type, or where the boundaries are broken. */
function inlineStatus(part: Part, isLast: boolean): string | null {
  const { name } = part.mediaType
  if (name === 'message/rfc822') return null
  // A multipart is the last part when it could not be opened.
  const isUnopened = isLast && name.startsWith('multipart/')
  if (!isUnopened && !name.startsWith('text/') && !name.startsWith('message/')) return null
  const text = bodyText(part, isUnopened ? maxReportBytes : maxTextBytes)
  const recipient = /^(?:Final|Original)-Recipient[ \t]*:/im.exec(text)
  if (recipient === null || !/^(?:Action|Status)[ \t]*:/im.test(text)) return null
  const start = /^(?:Reporting-MTA|Action|Status|Arrival-Date)[ \t]*:/im.exec(text)?.index
  const end = /^(?:Received|Return-Path|--)[^\n]*$/im.exec(text.slice(recipient.index))?.index
  return text.slice(
    Math.min(start ?? recipient.index, recipient.index),
    end === undefined ? text.length : recipient.index + end,
  )
}

function readNested(part: Part, nesting: number): Report | null {
  const inner = readEmbedded(bodyBytes(part, maxReportBytes))
  const isReport = inner.mediaType.name === 'multipart/report'
  const report = isReport ? read(inner, '', nesting + 1) : null
  return report?.type === 'delivery-status' || report?.type === 'feedback-report' ? report : null
}

function automatic(open: Open, format: string): Report {
  return { type: 'automatic-response', format, ...clues(open) }
}

function clues(open: Open): { sealedTokens: string[]; original: OriginalMessage | null } {
  const { returned } = open
  return {
    sealedTokens: sealedTokensIn(open.texts),
    original: returned === null ? null : originalMessage(returned.header),
  }
}
