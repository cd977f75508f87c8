import type { MessageSummary } from '../feedback/message-summary.ts'
import type { Report } from '../feedback/report.ts'
import { summarise, summaryBytes } from '../parse/summary.ts'
import { listFeedbackOfMessages, type ToldFeedback } from '../record/message-feedback.ts'
import { findRaw, findStoredMessage, type StoredMessage } from '../record/stored-messages.ts'
import { messageId, type OwnerOptions, ownerOf, unknownMessage } from './message-named.ts'
import { print } from './output.ts'
import { terminalLines, terminalText } from './terminal-text.ts'
import { withStorage } from './with-storage.ts'

type Shown = {
  message: StoredMessage & { report: Report | null }
  summary: MessageSummary | null
  feedback: readonly ToldFeedback[]
}

/** All that there is about one message: nothing that a stranger wrote reaches the terminal as it is. */
export async function showMessage(
  id: string,
  { json = false, ...owner }: OwnerOptions & { json?: boolean },
): Promise<void> {
  const shown = await withStorage(({ db }) =>
    db.run(async (sql): Promise<Shown> => {
      const tenantId = await ownerOf(sql, owner)
      const message = await findStoredMessage(sql, tenantId, messageId(id))
      if (message === null) throw unknownMessage(id)
      const raw = await findRaw(sql, tenantId, message.mailId, summaryBytes)
      const feedback = await listFeedbackOfMessages(sql, tenantId, [message.receivedMessageId])
      return { message, summary: raw && summarise(raw), feedback }
    }),
  )
  const { message, summary, feedback } = shown
  print(json, { ...message, summary, feedback }, textOf(shown))
}

function textOf({ message, summary, feedback }: Shown): string {
  const sections = [
    envelope(message),
    summary === null ? ['the bytes of this message are not kept'] : header(summary),
    summary?.text == null ? [] : ['TEXT', text(summary)],
    message.report === null
      ? ['no report is kept of it']
      : ['READ IN IT', ...report(message.report)],
    feedback.length === 0 ? [] : ['WHAT CAME OF IT', ...feedback.map(told)],
  ]
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')
}

function envelope(message: StoredMessage): string[] {
  const { outcome, outcomeReason, releasedAt, mailFrom, helo, remoteAddress } = message
  const reason = outcomeReason === null ? '' : `: ${outcomeReason}`
  const released = releasedAt === null ? '' : `, released ${releasedAt.toISOString()}`
  return [
    `message    ${message.receivedMessageId}`,
    `received   ${message.receivedAt.toISOString()}, ${message.sizeBytes} bytes`,
    `outcome    ${outcome}${terminalText(reason)}${released}`,
    `MAIL FROM  <${terminalText(mailFrom)}>`,
    `RCPT TO    <${terminalText(message.rcptTo)}>`,
    `from       ${terminalText(helo)} [${terminalText(remoteAddress)}]${message.tls ? ', TLS' : ''}`,
  ]
}

function header({ headers, parts }: MessageSummary): string[] {
  return [
    'HEADER',
    ...headers.map(({ name, value }) => `${name}: ${terminalText(value)}`),
    `parts: ${terminalText(parts.join(', '))}`,
  ]
}

function text({ text, isCut }: MessageSummary): string {
  return terminalLines(text ?? '').trimEnd() + (isCut ? '\n…' : '')
}

function report(report: Report): string[] {
  const lines = [`${report.type} (${report.format})`]
  switch (report.type) {
    case 'delivery-status':
      for (const { finalRecipient, action, status, diagnosticCode } of report.recipients) {
        lines.push(`${finalRecipient} ${action} ${status ?? '-'} ${diagnosticCode ?? ''}`)
      }
      break
    case 'feedback-report':
      lines.push(`${report.feedbackType} about ${report.recipients.join(', ') || 'nobody named'}`)
      break
    case 'unsubscribe-request':
      lines.push(`from ${report.from ?? '-'}`)
      break
    case 'automatic-response':
    case 'unrecognized':
      break
  }
  return lines.map(terminalText)
}

function told({ kind, recipient, bounceClass, classification, rule, withdrawnBy }: ToldFeedback) {
  const verdict = [bounceClass, classification, rule && `by ${rule}`].filter((part) => part)
  const withdrawn = withdrawnBy === null ? '' : ` (does not count: ${withdrawnBy})`
  return terminalText([kind, recipient, ...verdict].join(' ') + withdrawn)
}
