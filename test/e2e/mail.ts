import { randomBytes } from 'node:crypto'
import type { Address } from '../support/daemon.ts'
import { connectSmtp, type SmtpReply } from '../support/smtp-client.ts'

export type FailedRecipient = {
  address: string
  action?: 'failed' | 'delayed'
  status?: string
  /** As in Diagnostic-Code, without its type. */
  said?: string
}

/** RFC 3464, as an MTA writes it. Two of them never have the same bytes. */
export function deliveryStatus(
  recipients: readonly FailedRecipient[],
  { returned = '' }: { returned?: string } = {},
): string {
  const id = randomBytes(8).toString('hex')
  const groups = recipients.map(
    ({ address, action = 'failed', status = '5.1.1', said = '550 5.1.1 User unknown' }) => [
      '',
      `Final-Recipient: rfc822; ${address}`,
      `Action: ${action}`,
      `Status: ${status}`,
      'Remote-MTA: dns; mx.example.net',
      `Diagnostic-Code: smtp; ${said}`,
    ],
  )
  return lines(
    'From: MAILER-DAEMON@mta.example.net (Mail Delivery System)',
    'To: news@sender.example',
    'Subject: Undelivered Mail Returned to Sender',
    `Message-ID: <${id}@mta.example.net>`,
    'Auto-Submitted: auto-replied',
    'MIME-Version: 1.0',
    'Content-Type: multipart/report; report-type=delivery-status; boundary="=_b"',
    '',
    '--=_b',
    'Content-Type: text/plain; charset=us-ascii',
    '',
    'This is the mail system at host mta.example.net.',
    '--=_b',
    'Content-Type: message/delivery-status',
    '',
    'Reporting-MTA: dns; mta.example.net',
    'Arrival-Date: Sat, 21 Nov 2026 10:00:00 +0000',
    ...groups.flat(),
    '',
    '--=_b',
    'Content-Type: text/rfc822-headers',
    '',
    'From: News <news@sender.example>',
    ...(returned === '' ? [] : [returned]),
    'Subject: This month',
    '',
    '--=_b--',
  )
}

export function outOfOffice(from: string): string {
  return lines(
    `From: ${from}`,
    'To: news@sender.example',
    'Subject: Out of office: This month',
    'Auto-Submitted: auto-replied',
    'X-Auto-Response-Suppress: All',
    'Content-Type: text/plain',
    '',
    'I am away until Monday. 550 5.1.1 user unknown is not what this says.',
  )
}

export function unsubscribeMail(from: string, subject: string): string {
  return lines(
    `From: ${from}`,
    'To: unsubscribe@sender.example',
    `Subject: ${subject}`,
    'Content-Type: text/plain',
    '',
    '',
  )
}

/** RFC 5965 */
export function abuseReport(recipient: string): string {
  return lines(
    'From: <fbl@provider.example.net>',
    'To: <fbl@sender.example>',
    'Subject: FW: This month',
    'MIME-Version: 1.0',
    'Content-Type: multipart/report; report-type=feedback-report; boundary="=_b"',
    '',
    '--=_b',
    'Content-Type: text/plain; charset=us-ascii',
    '',
    'This is an email abuse report.',
    '--=_b',
    'Content-Type: message/feedback-report',
    '',
    'Feedback-Type: abuse',
    'User-Agent: Provider/1.0',
    'Version: 1',
    `Original-Rcpt-To: <${recipient}>`,
    'Source-IP: 192.0.2.1',
    '',
    '--=_b',
    'Content-Type: text/rfc822-headers',
    '',
    'From: News <news@sender.example>',
    `To: <${recipient}>`,
    'Subject: This month',
    '',
    '--=_b--',
  )
}

/** One message over a connection of its own; the reply that decided. */
export async function send(
  { smtp }: { smtp: Address },
  rcptTo: string | readonly string[],
  data: string | Buffer,
  mailFrom = '',
): Promise<SmtpReply> {
  const client = await connectSmtp(smtp)
  try {
    await client.command('EHLO client.example')
    const recipients = typeof rcptTo === 'string' ? [rcptTo] : rcptTo
    return await client.sendMessage({ mailFrom, rcptTo: recipients, data })
  } finally {
    await client.close()
  }
}

function lines(...texts: string[]): string {
  return texts.map((text) => `${text}\r\n`).join('')
}
