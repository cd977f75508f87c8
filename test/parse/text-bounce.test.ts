import { describe, expect, it } from 'vitest'
import { parseReport } from '../../src/parse/report.ts'
import { textBounce } from './message-text.ts'
import { quoted } from './text-bounces.ts'
import { othersRows } from './text-bounces-others.ts'
import { providersRows } from './text-bounces-providers.ts'
import { unixRows } from './text-bounces-unix.ts'

const rows = [...unixRows, ...providersRows, ...othersRows]

const transports: [name: string, carry: (raw: Buffer) => Buffer][] = [
  ['with LF alone', (raw) => Buffer.from(raw.toString().replaceAll('\r\n', '\n'))],
  ['in base64', (raw) => encoded(raw, 'base64', (body) => body.toString('base64'))],
  [
    'in quoted-printable',
    (raw) => {
      return encoded(raw, 'quoted-printable', (body) => {
        return body.toString('latin1').replace(/[=<@\x80-\xff]/g, (character) => {
          return `=${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
        })
      })
    },
  ],
  [
    'with a charset that is not its own',
    (raw) =>
      Buffer.from(
        raw
          .toString()
          .replace('\r\n\r\n', '\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n'),
      ),
  ],
  [
    'with the footer of a mailing list',
    (raw) =>
      Buffer.concat([raw, Buffer.from(`\r\n${'_'.repeat(47)}\r\nList\r\nlist@list.example\r\n`)]),
  ],
  [
    'within a multipart with a footer',
    (raw) => {
      const { head, body } = divided(raw)
      const part = `Content-Type: text/plain; charset=utf-8\r\n\r\n${body.toString()}`
      const footer = 'Content-Type: text/plain\r\n\r\nlist@list.example'
      const type = 'Content-Type: multipart/mixed; boundary="=_wrap"'
      return Buffer.from(
        `${head}\r\n${type}\r\n\r\n--=_wrap\r\n${part}\r\n--=_wrap\r\n${footer}\r\n--=_wrap--\r\n`,
      )
    },
  ],
]

function divided(raw: Buffer): { head: string; body: Buffer } {
  const at = raw.indexOf('\r\n\r\n')
  return { head: raw.subarray(0, at).toString(), body: raw.subarray(at + 4) }
}

function encoded(raw: Buffer, name: string, encode: (body: Buffer) => string): Buffer {
  const { head, body } = divided(raw)
  const type = 'Content-Type: text/plain; charset=utf-8'
  return Buffer.from(
    `${head}\r\n${type}\r\nContent-Transfer-Encoding: ${name}\r\n\r\n${encode(body)}`,
  )
}

function verdict(raw: Buffer) {
  const report = parseReport(raw)
  return report?.type === 'delivery-status' ? [report.format, report.recipients] : report
}

describe('a bounce written for people', () => {
  for (const row of rows) {
    it(row.name, () => {
      const report = parseReport(textBounce(row.body, row.headers))
      expect(report).toMatchObject({ type: 'delivery-status', format: row.format })
      const recipients = report?.type === 'delivery-status' ? report.recipients : []
      expect(recipients.map((recipient) => recipient.finalRecipient)).toEqual(
        row.recipients.map(([address]) => address),
      )
      row.recipients.forEach(([, expected], index) => {
        expect(recipients[index]).toMatchObject({ action: 'failed', ...expected })
      })
    })
  }

  it.each(transports)('is read alike %s', (_, carry) => {
    for (const row of rows) {
      const raw = textBounce(row.body, row.headers)
      expect(verdict(carry(raw)), row.name).toEqual(verdict(raw))
    }
  })

  it('is not misled by the order of X-Failed-Recipients', () => {
    const headers = { 'X-Failed-Recipients': 'b@example.com, a@example.com' }
    const body =
      'The following address(es) failed:\n\n  a@example.com\n    550 5.1.1 unknown\n  b@example.com\n    552 5.2.2 full\n'
    expect(parseReport(textBounce(body, headers))).toMatchObject({
      recipients: [
        { finalRecipient: 'b@example.com', status: '5.2.2' },
        { finalRecipient: 'a@example.com', status: '5.1.1' },
      ],
    })
  })

  it('reads the header of the mail that it quotes', () => {
    const body = `The following address failed:\n\n<gone@example.com>: no\n\n--- Below this line is a copy of the message.\n\n${quoted}`
    expect(parseReport(textBounce(body))).toMatchObject({
      original: { messageId: '<mail-1@sender.example>', to: ['written-to@example.com'] },
    })
  })

  it('takes the addressee of the quoted mail when it names nobody itself', () => {
    const body = `Message could not be delivered to mobile.\nError: No valid recipients\n\nOriginal Message:\n${quoted}`
    expect(parseReport(textBounce(body))).toMatchObject({
      recipients: [{ finalRecipient: 'written-to@example.com' }],
    })
  })

  it('never takes an address from the quoted mail beside its own', () => {
    for (const separator of ['', '\n\n', '\n-- \n', '\n> ']) {
      const body = `Unable to deliver your message to gone@example.com: mailbox is full${separator}\n${quoted}`
      expect(parseReport(textBounce(body))).toMatchObject({
        recipients: [{ finalRecipient: 'gone@example.com' }],
      })
    }
  })

  it('never takes the fields of a report that the quoted mail holds', () => {
    const body = `The following address failed:\n\n<gone@example.com>: 550 5.1.1 no\n\n--- Below this line is a copy of the message.\n\n${quoted}\n\nFinal-Recipient: rfc822; decoy@example.com\nAction: failed\nStatus: 5.1.1\n`
    expect(parseReport(textBounce(body))).toMatchObject({
      recipients: [{ finalRecipient: 'gone@example.com' }],
    })
  })

  it('is no bounce when somebody forwards or discusses one', () => {
    const body = `Hello,\n\nthis came back to me:\n\n${rows.map((row) => row.body).join('\n')}`
    for (const subject of ['Fwd: your newsletter', 'Re: Undelivered Mail Returned to Sender']) {
      const headers = {
        'Return-Path': '<me@example.com>',
        From: 'Me <me@example.com>',
        Subject: subject,
        'In-Reply-To': '<mail-1@sender.example>',
      }
      expect(parseReport(textBounce(body, headers))?.type).toBe('unrecognized')
    }
  })
})
