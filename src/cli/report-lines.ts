import { type Explanation, groundsOf } from '../classify/classify.ts'
import type { RecipientRow, ReportRow } from './report-row.ts'

/** A parsed message for people: a head line, then one line or more for each recipient. */
export function reportLines(row: ReportRow): string[] {
  const kind = row.feedbackType === null ? row.format : `${row.format}, ${row.feedbackType}`
  const from = row.reportingMta === null ? '' : ` from ${row.reportingMta}`
  return [`${row.file}: ${row.type} (${kind})${from}`, ...row.recipients.flatMap(recipientLines)]
}

/** Why a recipient got its class. */
export function explanationLines(recipient: string, explanation: Explanation): string[] {
  const [first, ...beaten] = explanation.matches
  if (first === undefined) return [`  ${recipient}: no rule matches; unknown text counts as soft`]
  const softened = explanation.softened ? '; soft, since the code says that it may pass' : ''
  return [
    `  ${recipient}: ${first.rule.name} (${groundsOf(first)})${softened}`,
    ...beaten.map((match) => {
      const { rule } = match
      return `    beat ${rule.name} (${groundsOf(match)}): ${rule.bounceClass} ${rule.reason}`
    }),
  ]
}

function recipientLines(recipient: ReportRow['recipients'][number]): string[] {
  if (!isDeliveryStatus(recipient)) return [`  ${recipient.finalRecipient}`]
  const meaning =
    recipient.bounceClass === null ? [] : [recipient.bounceClass, recipient.reason ?? '']
  const codes = [recipient.status, recipient.replyCode].filter((code) => code !== null)
  const line = [recipient.finalRecipient, recipient.action, ...codes, ...meaning].join(' ')
  return recipient.diagnosticCode === null
    ? [`  ${line}`]
    : [`  ${line}`, `    ${recipient.diagnosticCode}`]
}

function isDeliveryStatus(recipient: ReportRow['recipients'][number]): recipient is RecipientRow {
  return 'action' in recipient
}
