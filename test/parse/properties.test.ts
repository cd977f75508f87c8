import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Report } from '../../src/feedback/report.ts'
import { parseReport } from '../../src/parse/report.ts'

const status = `Reporting-MTA: dns; mx.example.net\r
\r
Original-Recipient: rfc822;alias@example.com\r
Final-Recipient: rfc822;gone@example.com\r
Action: failed\r
Status: 5.1.1\r
Remote-MTA: dns; mail.example.com\r
Diagnostic-Code: smtp; 550 5.1.1 No such user here, and this is said at some length\r
\r
Final-Recipient: rfc822;slow@example.org\r
Action: delayed\r
Status: 4.4.1\r
Diagnostic-Code: smtp; 451 4.4.1 Try again later\r
`
const human = 'Leider wurde die Nachricht nicht zugestellt: gone@example.com, slöw.\r\n'
const returned = `Message-ID: <mail-1@sender.example>\r
From: shop@sender.example\r
To: alias@example.com\r
Subject: Your order\r
\r
Hello\r
`

type Shape = {
  statusEncoding: '7bit' | 'base64' | 'quoted-printable'
  humanEncoding: '8bit' | 'base64'
  humanCharset: 'utf-8' | 'iso-8859-1'
  foldAt: number
  newline: '\r\n' | '\n' | 'mixed'
  wraps: number
  footer: boolean
  preamble: boolean
  mboxLine: boolean
  byteOrderMark: boolean
}

const shapes: fc.Arbitrary<Shape> = fc.record({
  statusEncoding: fc.constantFrom('7bit', 'base64', 'quoted-printable'),
  humanEncoding: fc.constantFrom('8bit', 'base64'),
  humanCharset: fc.constantFrom('utf-8', 'iso-8859-1'),
  foldAt: fc.integer({ min: 20, max: 100 }),
  newline: fc.constantFrom('\r\n', '\n', 'mixed'),
  wraps: fc.integer({ min: 0, max: 4 }),
  footer: fc.boolean(),
  preamble: fc.boolean(),
  mboxLine: fc.boolean(),
  byteOrderMark: fc.boolean(),
})

describe('the verdict of a well-formed report', () => {
  it('does not depend on how it is encoded, folded and wrapped', () => {
    fc.assert(
      fc.property(shapes, (shape) => {
        expect(verdict(parseReport(build(shape)))).toEqual(verdictExpected)
      }),
      { numRuns: 300 },
    )
  })

  const verdictExpected = {
    type: 'delivery-status',
    reportingMta: 'mx.example.net',
    messageId: '<mail-1@sender.example>',
    recipients: [
      ['gone@example.com', 'alias@example.com', 'failed', '5.1.1', 550, 'mail.example.com'],
      ['slow@example.org', null, 'delayed', '4.4.1', 451, null],
    ],
  }
})

describe('any bytes', () => {
  it('are read without an exception, into texts that a database takes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3_000 }), (bytes) => {
        expectClean(parseReport(Buffer.from(bytes), ''))
      }),
      { numRuns: 500 },
    )
  })

  const words = fc.constantFrom(
    'Content-Type: multipart/report; boundary=b\r\n',
    'Content-Type: message/delivery-status\r\n',
    'Content-Type: message/feedback-report\r\n',
    'Content-Type: message/rfc822\r\n',
    'Content-Type: text/html\r\n',
    'Content-Transfer-Encoding: base64\r\n',
    'Content-Transfer-Encoding: quoted-printable\r\n',
    'Content-Type: text/plain; charset=iso-2022-jp\r\n',
    'From: MAILER-DAEMON@example.net\r\n',
    'Subject: Undelivered =?utf-8?Q?=ED=A0=80?= =?x?B?AAAA?=\r\n',
    'X-Failed-Recipients: a@example.com\r\n',
    'Final-Recipient: utf-8; \\x{D800}\\x{110000}@example.com\r\n',
    'Diagnostic-Code: smtp; 550 5.1.1 no\r\n',
    'Action: failed\r\n',
    'Status: 5.1.1\r\n',
    'Feedback-Type: abuse\r\n',
    '<a@example.com>: host x said: 550 5.1.1 no\r\n',
    '>>> RCPT TO:<a@example.com>\r\n<<< 550 no\r\n',
    'Received: from x\r\n',
    '{"notificationType":"Bounce","bounce":',
    '\r\n',
    '\n',
    '\r',
    '\0',
    '--b\r\n',
    '--b--\r\n',
    ' \t',
    'hb1_',
    '\ufeff',
    '\xff\xfe',
  )

  it('are read when they are made of the words that the reader knows', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(words, fc.string()), { maxLength: 60 }), (pieces) => {
        expectClean(parseReport(Buffer.from(pieces.join(''), 'latin1'), ''))
      }),
      { numRuns: 2_000 },
    )
  })

  it('are read when a report was damaged in transit', () => {
    const whole = build({
      statusEncoding: '7bit',
      humanEncoding: '8bit',
      humanCharset: 'utf-8',
      foldAt: 60,
      newline: '\r\n',
      wraps: 1,
      footer: true,
      preamble: true,
      mboxLine: false,
      byteOrderMark: false,
    })
    const position = fc.integer({ min: 0, max: whole.length - 1 })
    fc.assert(
      fc.property(position, position, fc.integer({ min: 0, max: 255 }), (cut, at, byte) => {
        const damaged = Buffer.from(whole.subarray(0, Math.max(cut, 1)))
        damaged[at % damaged.length] = byte
        expectClean(parseReport(damaged, ''))
      }),
      { numRuns: 500 },
    )
  })
})

function verdict(report: Report | null) {
  if (report?.type !== 'delivery-status') return { type: report?.type }
  return {
    type: report.type,
    reportingMta: report.reportingMta,
    messageId: report.original?.messageId,
    recipients: report.recipients.map((recipient) => [
      recipient.finalRecipient,
      recipient.originalRecipient,
      recipient.action,
      recipient.status,
      recipient.replyCode,
      recipient.remoteMta,
    ]),
  }
}

function expectClean(report: Report | null): void {
  expect(report).not.toBeNull()
  for (const text of textsOf(report)) {
    expect(text).not.toMatch(/[\p{Cc}\p{Surrogate}]/u)
    expect(text.length).toBeLessThanOrEqual(2_100)
  }
}

function textsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null) return []
  return Object.values(value).flatMap(textsOf)
}

function build(shape: Shape): Buffer {
  const humanBytes = Buffer.from(human, shape.humanCharset === 'utf-8' ? 'utf8' : 'latin1')
  const parts = [
    part(`text/plain; charset=${shape.humanCharset}`, shape.humanEncoding, humanBytes),
    part(
      'message/delivery-status',
      shape.statusEncoding,
      Buffer.from(fold(status, shape.foldAt), 'latin1'),
    ),
    part('message/rfc822', '7bit', Buffer.from(returned)),
  ]
  let body = multipart('report; report-type=delivery-status', 'inner', parts)
  for (let i = 0; i < shape.wraps; i++) {
    const footer = part('text/plain', '7bit', Buffer.from('_____\r\nA mailing list\r\n'))
    body = multipart('mixed', `wrap${i}`, shape.footer ? [body, footer] : [body])
  }
  const header = `From: MAILER-DAEMON@mx.example.net\r\nTo: bounces@sender.example\r\nSubject: Undelivered\r\n`
  const preamble = shape.preamble ? body.replace('\r\n\r\n', '\r\n\r\nMIME, see below.\r\n') : body
  const mbox = shape.mboxLine ? 'From MAILER-DAEMON Mon Nov  2 10:00:00 2026\r\n' : ''
  const whole = Buffer.from(withNewlines(mbox + header + preamble, shape.newline), 'latin1')
  const mark = Buffer.from([0xef, 0xbb, 0xbf])
  return shape.byteOrderMark ? Buffer.concat([mark, whole]) : whole
}

function multipart(type: string, boundary: string, parts: readonly string[]): string {
  const content = parts.map((each) => `--${boundary}\r\n${each}\r\n`).join('')
  return `Content-Type: multipart/${type}; boundary="${boundary}"\r\n\r\n${content}--${boundary}--\r\n`
}

function part(type: string, encoding: string, bytes: Buffer): string {
  const header = `Content-Type: ${type}\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n`
  if (encoding === 'base64') {
    return header + (bytes.toString('base64').match(/.{1,76}/g) ?? []).join('\r\n')
  }
  if (encoding !== 'quoted-printable') return header + bytes.toString('latin1')
  const escaped = bytes.toString('latin1').replace(/[=;@]/g, (character) => {
    return `=${character.charCodeAt(0).toString(16).toUpperCase()}`
  })
  return header + escaped.replace(/[^\r\n]{60}(?![\r\n])(?<!=.?)/g, '$&=\r\n')
}

/** Folds long fields at a blank (RFC 5322 section 2.2.3). */
function fold(text: string, at: number): string {
  return text.replace(/^(.+)$/gm, (line) => {
    const blank = line.indexOf(' ', at)
    return blank < 0 ? line : `${line.slice(0, blank)}\r\n\t${line.slice(blank + 1)}`
  })
}

function withNewlines(text: string, newline: Shape['newline']): string {
  if (newline === '\r\n') return text
  if (newline === '\n') return text.replaceAll('\r\n', '\n')
  let count = 0
  return text.replace(/\r\n/g, () => (count++ % 2 === 0 ? '\n' : '\r\n'))
}
