import { describe, expect, it } from 'vitest'
import { maxRecipients } from '../../src/parse/limits.ts'
import { parseReport } from '../../src/parse/report.ts'
import { deliveryReport, message, textBounce } from './message-text.ts'

const status =
  'Reporting-MTA: dns; mx.example.net\n\nFinal-Recipient: rfc822; gone@example.com\nAction: failed\nStatus: 5.1.1\n'
const qmail = `Hi. This is the qmail-send program at mx.example.net.
I'm afraid I wasn't able to deliver your message to the following addresses.

<gone@example.com>:
Sorry, no mailbox here by that name. (#5.1.1)
`

function fill(raw: Buffer, mark: string, text: string): Buffer {
  return Buffer.from(
    raw.toString('latin1').replace(mark, () => text),
    'latin1',
  )
}

const report = deliveryReport(status, 'MARK', { 'X-Mark': 'HEADER' })

/** Each would take a quadratic reader minutes, or a recursive one its stack. */
const messages: [name: string, raw: Buffer, recipient: string | null][] = [
  ['20 MB of returned mail', fill(report, 'Hello', 'x'), 'gone@example.com'],
  ['20 MB on one line', fill(report, 'decoy@example.com', 'A'.repeat(20e6)), 'gone@example.com'],
  [
    '20 MB of base64',
    fill(report, 'decoy@example.com', 'QUJDRA==\r\n'.repeat(2e6)),
    'gone@example.com',
  ],
  ['a folded header of 3 MB', fill(report, 'HEADER', 'word\r\n '.repeat(5e5)), 'gone@example.com'],
  [
    '100,000 header fields',
    fill(report, 'HEADER', 'x\r\nX-More: y'.repeat(1e5)),
    'gone@example.com',
  ],
  [
    'a To field of 1 MB',
    fill(report, 'bounces@sender.example', 'a,'.repeat(5e5)),
    'gone@example.com',
  ],
  [
    'a To field of groups',
    fill(report, 'bounces@sender.example', 'g:'.repeat(5e5)),
    'gone@example.com',
  ],
  ['a text line of 3 MB', fill(report, 'MARK', 'x'.repeat(3e6)), 'gone@example.com'],
  ['a line of 3 MB below the recipient', textBounce(qmail + 'x'.repeat(3e6)), 'gone@example.com'],
  [
    'a line of 3 MB above the recipient',
    textBounce(`${'x '.repeat(15e5)}\n${qmail}`),
    'gone@example.com',
  ],
  ['3 MB of dashes', textBounce(`${'-'.repeat(3e6)}\n${qmail}`), 'gone@example.com'],
  ['3 MB of blank lines', textBounce('\n'.repeat(3e6) + qmail), 'gone@example.com'],
  ['3 MB of brackets', textBounce('<'.repeat(3e6)), null],
  ['3 MB of at signs', textBounce('@'.repeat(3e6)), null],
  ['3 MB of addresses', textBounce('a@a '.repeat(75e4)), null],
  ['3 MB of quotation marks', textBounce('"'.repeat(3e6)), null],
  [
    '3 MB of soft line breaks',
    message({ 'Content-Transfer-Encoding': 'quoted-printable' }, '=   '.repeat(75e4)),
    null,
  ],
  ['3 MB of headers in the text', textBounce('Received: x\n'.repeat(3e5)), null],
  [
    'a million parts',
    message({ 'Content-Type': 'multipart/mixed; boundary=b' }, '--b\n\n'.repeat(1e6)),
    null,
  ],
  [
    '2,000 multiparts within each other',
    message(
      { From: 'MAILER-DAEMON@mx.example.net', Subject: 'Undelivered', ...nestedHeader(0) },
      nested(2_000),
    ),
    'gone@example.com',
  ],
  [
    '2,000 messages within each other',
    Buffer.from('Content-Type: message/rfc822\r\n\r\n'.repeat(2_000)),
    null,
  ],
  [
    '50,000 multiparts of one name',
    Buffer.from('Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n'.repeat(5e4)),
    null,
  ],
  ['500,000 token marks', textBounce('hb1_ '.repeat(5e5)), null],
  [
    'a token folded 100,000 times',
    message({ 'X-Ref': `hb1_${'aaaaaaaaaaaa\r\n '.repeat(1e5)}` }, ''),
    null,
  ],
  ['300,000 blocks of HTML', message({ 'Content-Type': 'text/html' }, '<div>'.repeat(3e5)), null],
]

describe('a hostile message', () => {
  it.each(messages)('of %s is read, and its recipient found', (_, raw, recipient) => {
    const result = parseReport(raw, '')
    const recipients = result?.type === 'delivery-status' ? result.recipients : []
    if (recipient === null) expect(result).not.toBeNull()
    else expect(recipients.map((each) => each.finalRecipient)).toEqual([recipient])
  })

  it('of 5,000 recipients keeps them all, of more than the limit keeps that many', () => {
    for (const count of [5_000, maxRecipients + 1_000]) {
      const blocks = Array.from({ length: count }, (_, i) => {
        return `Final-Recipient: rfc822; user${i}@example.com\nAction: failed\nStatus: 5.1.1\n`
      })
      const result = parseReport(deliveryReport(`Reporting-MTA: dns; mx\n\n${blocks.join('\n')}`))
      const recipients = result?.type === 'delivery-status' ? result.recipients : []
      expect(recipients).toHaveLength(Math.min(count, maxRecipients))
      expect(recipients[4_999]?.finalRecipient).toBe('user4999@example.com')
    }
  })

  it('of a huge diagnosis and address gets them cut', () => {
    const result = parseReport(
      deliveryReport(
        `Final-Recipient: rfc822; ${'a'.repeat(1e5)}@example.com\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; ${'550 no '.repeat(1e5)}`,
      ),
    )
    const [recipient] = result?.type === 'delivery-status' ? result.recipients : []
    expect(recipient?.finalRecipient.length).toBe(1_000)
    expect(recipient?.diagnosticCode?.length).toBeLessThanOrEqual(2_048)
  })
})

function nestedHeader(level: number) {
  return { 'Content-Type': `multipart/mixed; boundary="b${level}"` }
}

function nested(levels: number): string {
  let text = ''
  for (let level = 1; level < levels; level++) {
    text += `--b${level - 1}\nContent-Type: multipart/mixed; boundary="b${level}"\n\n`
  }
  return `${text}--b${levels - 1}\nContent-Type: message/delivery-status\n\n${status}`
}
