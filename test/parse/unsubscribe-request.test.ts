import { describe, expect, it } from 'vitest'
import { parseReport } from '../../src/parse/report.ts'
import { message, multipartReport } from './message-text.ts'

const token = `hb1_${'Ab-_0'.repeat(12)}`
const person = { From: 'Someone <someone@example.com>', To: 'news@sender.example', Subject: 'x' }

describe('an unsubscribe request', () => {
  it.each([
    ['the address', { To: 'unsubscribe@sender.example' }],
    ['an address with an extension', { To: 'unsubscribe+17@sender.example' }],
    ['another such address', { To: '<unsub-17@sender.example>' }],
    ['the subject', { Subject: 'Unsubscribe' }],
    ['the subject in quotes', { Subject: '"unsubscribe"' }],
    ['the subject in another language', { Subject: 'Désabonnement' }],
    ['an encoded subject', { Subject: '=?utf-8?B?dW5zdWJzY3JpYmU=?=' }],
    ['a sealed token in the subject', { Subject: token }],
    [
      'the subject although sent by a program',
      { Subject: 'unsubscribe', 'Auto-Submitted': 'auto-replied' },
    ],
  ])('is known by %s', (_, headers) => {
    expect(parseReport(message({ ...person, ...headers }, ''))).toMatchObject({
      type: 'unsubscribe-request',
      from: 'someone@example.com',
    })
  })

  it.each([
    [
      'an automatic reply to one',
      { To: 'unsubscribe@sender.example', Subject: 'Auto: away', 'Auto-Submitted': 'auto-replied' },
    ],
    ['a mail that talks about it', { Subject: 'How do I unsubscribe from this?' }],
    ['an answer to one', { Subject: 'Re: unsubscribe' }],
  ])('is not %s', (_, headers) => {
    expect(parseReport(message({ ...person, ...headers }, ''))?.type).not.toBe(
      'unsubscribe-request',
    )
  })

  it.each([
    [
      'a bounce written for people',
      { From: 'MAILER-DAEMON@example.net', 'Return-Path': '<>', Subject: 'failure notice' },
      '<gone@example.com>:\nuser unknown',
    ],
    [
      'a report without recipients',
      { 'Return-Path': '<>', Subject: token, 'Content-Type': 'multipart/report; boundary=b' },
      '--b\n\nfailed\n--b--',
    ],
    ['a vacation notice about one', { Subject: `Automatic reply: ${token}` }, 'Away.'],
  ])('is never %s', (_, headers, body) => {
    const raw = message({ ...person, To: 'unsubscribe@sender.example', ...headers }, body)
    expect(parseReport(raw)?.type).not.toBe('unsubscribe-request')
  })

  it('is never a bounce, whatever its address', () => {
    const raw = multipartReport(
      'delivery-status',
      [
        'Content-Type: message/delivery-status\n\nFinal-Recipient: rfc822; a@example.com\nAction: failed\nStatus: 5.1.1',
      ],
      { To: 'unsubscribe@sender.example', Subject: 'unsubscribe' },
    )
    expect(parseReport(raw)?.type).toBe('delivery-status')
  })
})

describe('sealed tokens', () => {
  const folded = `${token.slice(0, 20)}\r\n ${token.slice(20, 50)}\r\n\t${token.slice(50)}`

  it.each([
    ['in the subject', { Subject: `unsubscribe ${token}` }],
    ['in an encoded subject', { Subject: `=?utf-8?B?${Buffer.from(token).toString('base64')}?=` }],
    ['in the address', { To: `unsubscribe+${token}@sender.example` }],
    ['in a field that was folded', { 'X-Hearback-Ref': folded }],
    [
      'in a list field that was folded',
      { 'List-Unsubscribe': `<https://sender.example/u/${folded}>` },
    ],
  ])('are found %s', (_, headers) => {
    const report = parseReport(message({ ...person, ...headers }, ''))
    expect(report?.sealedTokens).toContain(token)
  })

  const returned = `From: shop@sender.example\nTo: a@example.com\nX-Hearback-Ref: ${token}\n\nHi`

  it.each([
    ['returned', `Content-Type: message/rfc822\n\n${returned}`],
    [
      'returned in base64',
      `Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n${Buffer.from(returned).toString('base64')}`,
    ],
    [
      'returned with a body in base64',
      `Content-Type: message/rfc822\n\nFrom: shop@sender.example\nContent-Type: text/plain\nContent-Transfer-Encoding: base64\n\n${Buffer.from(`Leave: https://sender.example/u/${token} or stay.`).toString('base64')}`,
    ],
    [
      'returned in quoted-printable',
      `Content-Type: message/rfc822\n\nFrom: shop@sender.example\nContent-Type: text/plain\nContent-Transfer-Encoding: quoted-printable\n\nLeave: https://sender.example/u/${token.slice(0, 30)}=\n${token.slice(30)}`,
    ],
    [
      'in the fields of the report',
      `Content-Type: message/feedback-report\n\nFeedback-Type: abuse\nCFBL-Feedback-ID: ${token}`,
    ],
  ])('are found when %s', (_, part) => {
    const raw = multipartReport('feedback-report', [
      'Content-Type: message/feedback-report\n\nFeedback-Type: abuse',
      part,
    ])
    expect(parseReport(raw)?.sealedTokens).toContain(token)
  })
})
