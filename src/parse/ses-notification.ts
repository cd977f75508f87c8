import type { Action, RecipientStatus } from '../feedback/report.ts'
import { diagnose } from './diagnosis.ts'
import type { FeedbackFields } from './feedback-report.ts'
import { recipientAddress } from './recipient-address.ts'

/** What Amazon SES says of a mail in JSON, as a mail subscribed to its notifications brings it. */
export type SesNotification =
  | { kind: 'delivery-status'; reportingMta: string | null; recipients: RecipientStatus[] }
  | { kind: 'feedback-report'; fields: FeedbackFields }

/**
 * Reads the JSON of an Amazon SES notification, within the envelope of Amazon SNS or bare;
 * `null` when the text is none. https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html
 */
export function readSesNotification(text: string): SesNotification | null {
  if (!text.includes('notificationType') && !text.includes('eventType')) return null
  const outer = parseObject(text)
  const message = typeof outer?.['Message'] === 'string' ? parseObject(outer['Message']) : outer
  if (!message) return null
  switch (string(message['notificationType'] ?? message['eventType'])) {
    case 'Bounce':
      return readBounce(object(message['bounce']))
    case 'Delivery':
      return readDelivery(object(message['delivery']))
    case 'Complaint':
      return readComplaint(object(message['complaint']))
    default:
      return null
  }
}

type Json = Record<string, unknown>

function readBounce(bounce: Json): SesNotification {
  const recipients = list(bounce['bouncedRecipients']).flatMap((entry) => {
    const address = recipientAddress(string(entry['emailAddress']) ?? '')
    if (address === null) return []
    const diagnosis = diagnose(string(entry['diagnosticCode']), string(entry['status']))
    return [recipient(address, 'failed', diagnosis)]
  })
  const reportingMta = string(bounce['reportingMTA'])?.replace(/^\w+;\s*/, '') ?? null
  return { kind: 'delivery-status', reportingMta, recipients }
}

function readDelivery(delivery: Json): SesNotification {
  const diagnosis = diagnose(string(delivery['smtpResponse']), null)
  const addresses = Array.isArray(delivery['recipients']) ? delivery['recipients'] : []
  const recipients = addresses.flatMap((value: unknown) => {
    const address = recipientAddress(string(value) ?? '')
    return address === null ? [] : [recipient(address, 'delivered', diagnosis)]
  })
  return { kind: 'delivery-status', reportingMta: string(delivery['reportingMTA']), recipients }
}

function readComplaint(complaint: Json): SesNotification {
  return {
    kind: 'feedback-report',
    fields: {
      type: 'feedback-report',
      format: 'amazon-ses',
      feedbackType: string(complaint['complaintFeedbackType'])?.toLowerCase() ?? 'abuse',
      userAgent: string(complaint['userAgent']),
      reportingMta: null,
      sourceIp: null,
      originalMailFrom: null,
      originalEnvelopeId: null,
      recipients: list(complaint['complainedRecipients']).flatMap((entry) => {
        const address = recipientAddress(string(entry['emailAddress']) ?? '')
        return address === null ? [] : [address]
      }),
      isNamedByAuthor: true,
      verifiedSender: null,
    },
  }
}

function recipient(
  finalRecipient: string,
  action: Action,
  diagnosis: Pick<RecipientStatus, 'status' | 'replyCode' | 'diagnosticCode'>,
): RecipientStatus {
  const nothing = { originalRecipient: null, actualRecipient: null, remoteMta: null }
  return { finalRecipient, action, ...nothing, ...diagnosis, smtpCommand: null }
}

/** The JSON object at the head of a text; mail adds a footer, and may fold a long line with `!`. */
function parseObject(text: string): Json | null {
  const start = text.indexOf('{')
  if (start < 0 || text.slice(0, start).trim() !== '') return null
  const end = text.lastIndexOf('}')
  const footer = text.search(/\n--\r?\n/)
  const body = text.slice(start, footer > start ? text.lastIndexOf('}', footer) + 1 : end + 1)
  for (const candidate of [body, body.replace(/!?\n[ \t]?/g, '')]) {
    try {
      return object(JSON.parse(candidate))
    } catch {
      // Not this way.
    }
  }
  return null
}

function object(value: unknown): Json {
  return typeof value === 'object' && value !== null ? (value as Json) : {}
}

function list(value: unknown): Json[] {
  return Array.isArray(value) ? value.map(object) : []
}

function string(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value.slice(0, maxString) : null
}

const maxString = 100_000
