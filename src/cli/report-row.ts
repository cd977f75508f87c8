import type { BounceClass, Classification } from '../feedback/feedback.ts'
import type { RecipientStatus, Report } from '../feedback/report.ts'

/** One recipient in the output of `hearback parse --json`. */
export type RecipientRow = Omit<RecipientStatus, 'actualRecipient' | 'smtpCommand'> & {
  bounceClass: BounceClass | null
  reason: string | null
  rule: string | null
}

/** One message in the output of `hearback parse --json`: a promised interface. */
export type ReportRow = {
  file: string
  type: Report['type']
  format: string
  feedbackType: string | null
  reportingMta: string | null
  /** Of a feedback report the addresses alone. */
  recipients: (RecipientRow | { finalRecipient: string })[]
}

/** `classify` is asked for each recipient that was not reached; the others have no class. */
export function reportRow(
  file: string,
  report: Report,
  classify: (recipient: RecipientStatus) => Classification,
): ReportRow {
  const row: ReportRow = {
    file,
    type: report.type,
    format: report.format,
    feedbackType: null,
    reportingMta: null,
    recipients: [],
  }
  switch (report.type) {
    case 'delivery-status':
      row.reportingMta = report.reportingMta
      row.recipients = report.recipients.map((recipient) => recipientRow(recipient, classify))
      return row
    case 'feedback-report':
      row.feedbackType = report.feedbackType
      row.reportingMta = report.reportingMta
      row.recipients = report.recipients.map((finalRecipient) => ({ finalRecipient }))
      return row
    case 'unsubscribe-request':
    case 'automatic-response':
    case 'unrecognized':
      return row
  }
}

function recipientRow(
  recipient: RecipientStatus,
  classify: (recipient: RecipientStatus) => Classification,
): RecipientRow {
  const classification = classificationOf(recipient, classify)
  return {
    finalRecipient: recipient.finalRecipient,
    originalRecipient: recipient.originalRecipient,
    action: recipient.action,
    status: recipient.status,
    replyCode: recipient.replyCode,
    diagnosticCode: recipient.diagnosticCode,
    remoteMta: recipient.remoteMta,
    bounceClass: classification?.bounceClass ?? null,
    reason: classification?.reason ?? null,
    rule: classification?.rule ?? null,
  }
}

/** Of a delay it says why; what is still being tried is never hard (RFC 3464 section 2.3.3). */
function classificationOf(
  recipient: RecipientStatus,
  classify: (recipient: RecipientStatus) => Classification,
): Classification | null {
  switch (recipient.action) {
    case 'failed':
      return classify(recipient)
    case 'delayed': {
      const classification = classify(recipient)
      return classification.bounceClass === 'hard'
        ? { ...classification, bounceClass: 'soft' }
        : classification
    }
    case 'delivered':
    case 'relayed':
    case 'expanded':
      return null
  }
}
