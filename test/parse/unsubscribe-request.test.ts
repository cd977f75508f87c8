import { describe, expect, it } from 'vitest'
import { parseReport } from '../../src/parse/report.ts'
import { message, multipartReport } from './message-text.ts'

const token = `hb1_${'Ab-_0'.repeat(12)}`
const appleMail = {
  Subject: 'unsubscribe',
  'Auto-Submitted': 'auto-replied',
  'X-Apple-Unsubscribe': 'true',
}
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
    ['a button of Apple Mail, which calls it an automatic reply', appleMail],
    ['a token that somebody may not be answered', { Subject: token, 'Auto-Submitted': 'no' }],
    ['a token from Outlook', { Subject: token, 'X-Auto-Response-Suppress': 'All' }],
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
    ['a reply of a program', { Subject: `Re: ${token}`, 'Auto-Submitted': 'auto-replied' }],
    ['a notice of a program', { Subject: token, 'Auto-Submitted': 'auto-generated; id=7' }],
    ['a plain word of a program', { Subject: 'unsubscribe', 'Auto-Submitted': 'auto-replied' }],
    ['an old reply of a program', { Subject: token, 'X-Autoreply': 'yes' }],
    ['mail to many', { Subject: token, Precedence: 'bulk' }],
    ['mail of a list', { Subject: token, Precedence: 'list' }],
    ['a receipt', { Subject: token, 'X-Auto-Reply': '1' }],
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
    [
      'a bounce from an address that takes answers',
      { From: 'postmaster@example.net', Subject: token },
      'This is the mail system at host mx.example.net.\n\n<gone@example.com>: host mx.example.com said: 550 5.1.1 User unknown',
    ],
    [
      'a bounce that names nobody',
      { From: 'postmaster@example.net', Subject: `Undeliverable: ${token}` },
      'Sorry.',
    ],
    ['a vacation notice about one', { Subject: `Automatic reply: ${token}` }, 'Away.'],
  ])('is never %s', (_, headers, body) => {
    const raw = message({ ...person, To: 'unsubscribe@sender.example', ...headers }, body)
    expect(parseReport(raw)?.type).not.toBe('unsubscribe-request')
  })

  it.each([
    ['postmaster@example.com', ''],
    ['Mail Administrator <bounces@example.com>', 'Please stop.'],
  ])('is known by its token, whatever its author is called: %s', (from, body) => {
    const raw = message({ From: from, To: 'unsubscribe@sender.example', Subject: token }, body)
    expect(parseReport(raw)).toMatchObject({ type: 'unsubscribe-request', sealedTokens: [token] })
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

describe('the token of an unsubscribe request', () => {
  const words = token.match(/.{1,25}/g) ?? []

  it.each([
    ['alone', { Subject: token }],
    ['behind the word', { Subject: `unsubscribe ${token}` }],
    ['behind a colon', { Subject: `Unsubscribe:${token}` }],
    ['in an answer', { Subject: `Re: ${token}` }],
    ['in a forwarded mail', { Subject: `Fwd: unsubscribe ${token}` }],
    ['folded behind the word', { Subject: `unsubscribe\r\n ${token}` }],
    ['folded within', { Subject: words.join('\r\n ') }],
    ['folded within its mark', { Subject: `unsubscribe: hb\r\n 1${token.slice(3)}` }],
    [
      'as encoded words in base64',
      {
        Subject: words
          .map((word) => `=?utf-8?B?${Buffer.from(word).toString('base64')}?=`)
          .join('\r\n '),
      },
    ],
    [
      'as encoded words in quoted-printable',
      { Subject: words.map((word) => `=?utf-8?Q?${word.replaceAll('_', '=5F')}?=`).join('\r\n ') },
    ],
    ['in the local part', { To: `unsubscribe+${token}@sender.example`, Subject: 'unsubscribe' }],
    ['as the local part', { To: `<${token}@sender.example>`, Subject: '' }],
  ])('is found %s', (_, headers) => {
    const report = parseReport(
      message({ ...person, To: 'unsubscribe@sender.example', ...headers }, ''),
    )
    expect(report).toMatchObject({ type: 'unsubscribe-request' })
    expect(report?.sealedTokens).toContain(token)
  })

  it.each([
    ['in the body', {}, `Please stop: https://sender.example/u/${token}`],
    ['in what the mail answers', { 'In-Reply-To': `<${token}@sender.example>` }, ''],
    ['in what it refers to', { References: `<${token}@sender.example>` }, ''],
    ['in a field of its own', { 'X-Hearback-Ref': token }, ''],
    ['in From', { From: `${token}@example.com` }, ''],
  ])('is none %s', (_, headers, body) => {
    const request = { To: 'unsubscribe@sender.example', Subject: 'unsubscribe' }
    const report = parseReport(message({ ...person, ...request, ...headers }, body))
    expect(report).toMatchObject({ type: 'unsubscribe-request', sealedTokens: [] })
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
    const report = parseReport(raw)
    expect([...(report?.sealedTokens ?? []), ...(report?.quotedTokens ?? [])]).toContain(token)
  })

  it('are told apart by where they stand: in fields, or in what people read', () => {
    const inBody = token.replace('Ab', 'Cd')
    const mail = `From: shop@sender.example\nX-Hearback-Ref: ${token}\n\nLeave: https://sender.example/u/${inBody}`
    const report = parseReport(
      multipartReport('feedback-report', [
        `Content-Type: text/plain\n\nAbout ${inBody.replace('0A', '1A')}`,
        'Content-Type: message/feedback-report\n\nFeedback-Type: abuse',
        `Content-Type: message/rfc822\n\n${mail}`,
      ]),
    )
    expect(report?.sealedTokens).toContain(token)
    expect(report?.sealedTokens).not.toContain(inBody)
    expect(report?.quotedTokens).toEqual(
      expect.arrayContaining([inBody, inBody.replace('0A', '1A')]),
    )
  })

  it('that were cut off, with many words behind them, do not hide the one that is whole', () => {
    const words = Array.from({ length: 60 }, (_, n) => `word${n}`).join(' ')
    const copies = Array.from({ length: 15 }, (_, n) => `${token.slice(0, 55)}${n} ${words}`)
    const raw = multipartReport('feedback-report', [
      `Content-Type: text/plain\n\n${copies.join('\n')}`,
      'Content-Type: message/feedback-report\n\nFeedback-Type: abuse',
      `Content-Type: message/rfc822\n\nFrom: shop@sender.example\n\nSee ${token}\n`,
    ])
    expect(parseReport(raw)?.quotedTokens).toContain(token)
  })

  it('are found in a link that a gateway has rewritten', () => {
    const link = `https://urldefense.com/v3/__https://sender.example/u/${token}__;!!x!y$`
    const raw = multipartReport('feedback-report', [
      'Content-Type: message/feedback-report\n\nFeedback-Type: abuse',
      `Content-Type: message/rfc822\n\nFrom: shop@sender.example\n\nLeave: ${link}`,
    ])
    expect(parseReport(raw)?.quotedTokens).toContain(token)
  })
})

describe('signed return paths', () => {
  const path = `b${'abcdefgh234'.repeat(4).slice(0, 40)}@bounces.sender.example`
  const long = `b${'abcdefgh234'.repeat(5).slice(0, 53)}@bounces.sender.example`
  const returned = (field: string) =>
    multipartReport('feedback-report', [
      'Content-Type: message/feedback-report\n\nFeedback-Type: abuse',
      `Content-Type: message/rfc822\n\n${field}\nFrom: shop@sender.example\n\nHi`,
    ])

  it.each([
    ['as it was', `Return-Path: <${path}>`, path],
    ['with a reference', `Return-Path: <${long}>`, long],
    ['in capitals', `Return-Path: <${path.toUpperCase()}>`, path.toUpperCase()],
    ['folded', `Return-Path:\n <${path}>`, path],
    ['behind a tag', `X-Envelope-From: prvs=1234567890=${path}`, path],
    ['in the results of authentication', `Authentication-Results: x; smtp.mailfrom=${path}`, path],
    [
      'behind a forwarder',
      `Return-Path: <SRS0=aB=9X=bounces.sender.example=${path.split('@')[0]}@fwd.example>`,
      path,
    ],
  ])('are found %s', (_, field, found) => {
    expect(parseReport(returned(field))?.returnPaths).toContain(found)
  })

  it.each([
    ['cut off', `Return-Path: <${path.slice(3)}>`],
    ['with a character more', `Return-Path: <x${path}>`],
    ['without a domain', `Return-Path: <${path.split('@')[0]}>`],
    ['with a character of no base32', `Return-Path: <${path.replace('2', '1')}>`],
  ])('are not found %s', (_, field) => {
    expect(parseReport(returned(field))?.returnPaths).toEqual([])
  })
})
