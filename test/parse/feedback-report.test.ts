import { describe, expect, it } from 'vitest'
import { parseReport } from '../../src/parse/report.ts'
import { message, multipartReport } from './message-text.ts'

const returned = `Content-Type: message/rfc822

Return-Path: <bounces@sender.example>
Received: from out.sender.example by mx.example.com for <received-for@example.com>; Mon, 2 Nov 2026 10:00:00 +0000
Message-ID: <mail-1@sender.example>
From: shop@sender.example
To: Someone <written-to@example.com>
Subject: Your order

Hello`

function report(fields: string, third = returned, headers = {}): Buffer {
  return multipartReport(
    'feedback-report',
    [
      'Content-Type: text/plain\n\nThis is an abuse report for decoy@example.com.',
      `Content-Type: message/feedback-report\n\n${fields}`,
      third,
    ],
    { Subject: 'FW: Your order', From: 'feedback@provider.example', ...headers },
  )
}

const basics = 'Feedback-Type: abuse\nUser-Agent: Provider-Feedback/2.0\nVersion: 1\n'

describe('a feedback report', () => {
  it('says who complained, where it came from and what about', () => {
    const fields = `${basics}Original-Mail-From: <bounces@sender.example>
Original-Rcpt-To: <user@example.com>
Original-Envelope-Id: order-7
Reporting-MTA: dns; fbl.provider.example
Source-IP: 192.0.2.1
`
    expect(parseReport(report(fields))).toMatchObject({
      type: 'feedback-report',
      format: 'arf',
      feedbackType: 'abuse',
      userAgent: 'Provider-Feedback/2.0',
      reportingMta: 'fbl.provider.example',
      sourceIp: '192.0.2.1',
      originalMailFrom: 'bounces@sender.example',
      originalEnvelopeId: 'order-7',
      recipients: ['user@example.com'],
      original: { messageId: '<mail-1@sender.example>' },
    })
  })

  it.each([
    ['abuse', 'abuse'],
    ['ABUSE', 'abuse'],
    ['opt-out', 'opt-out'],
    ['not_spam', 'not-spam'],
    ['auth-failure', 'auth-failure'],
    ['fraud (phishing)', 'fraud'],
    ['virus', 'virus'],
    ['x-other', 'x-other'],
  ])('type %s is %s', (value, type) => {
    expect(parseReport(report(`Feedback-Type: ${value}\n`))).toMatchObject({ feedbackType: type })
  })

  it.each([
    ['Original-Rcpt-To: user@example.com', 'user@example.com'],
    ['Original-Rcpt-To: rfc822; <user@example.com>', 'user@example.com'],
    ['Removal-Recipient: user@example.com', 'user@example.com'],
    ['Original-Rcpt-To: [redacted]@example.com', 'written-to@example.com'],
    ['Original-Rcpt-To: cb4a01a4f0a1b2c3d4e5f60718293a4b@example.com', 'written-to@example.com'],
    ['Removal-Recipient: off@example.com\nOriginal-Rcpt-To: user@example.com', 'user@example.com'],
    ['X-Nothing: here', 'written-to@example.com'],
  ])('takes the recipient from %s', (field, address) => {
    expect(parseReport(report(`${basics}${field}\n`))).toMatchObject({ recipients: [address] })
  })

  it('names every recipient that the report names', () => {
    const fields = `${basics}Original-Rcpt-To: a@example.com\nOriginal-Rcpt-To: <b@example.com>, <c@example.com>\n`
    expect(parseReport(report(fields))).toMatchObject({
      recipients: ['a@example.com', 'b@example.com', 'c@example.com'],
    })
  })

  it('falls back to the Received field when To is redacted', () => {
    const third = returned.replace('Someone <written-to@example.com>', 'redacted@example.com')
    expect(parseReport(report(basics, third))).toMatchObject({
      recipients: ['received-for@example.com'],
    })
  })

  it('names nobody when everything is redacted', () => {
    const third =
      'Content-Type: text/rfc822-headers\n\nTo: "undisclosed"\nFrom: shop@sender.example\n'
    expect(parseReport(report(basics, third))).toMatchObject({ recipients: [] })
  })

  it('is read under multipart/mixed, with the report encoded', () => {
    const fields = Buffer.from(`${basics}Original-Rcpt-To: user@example.com\r\n`).toString('base64')
    const raw = multipartReport(
      'x',
      [`Content-Type: message/feedback-report\nContent-Transfer-Encoding: base64\n\n${fields}`],
      { 'Content-Type': 'multipart/mixed; boundary="=_boundary"' },
    )
    expect(parseReport(raw)).toMatchObject({
      type: 'feedback-report',
      recipients: ['user@example.com'],
    })
  })

  it('is a Microsoft report by the header of the returned mail, in a part or bare', () => {
    const mail = `X-HmXmrOriginalRecipient: user@example.com\nTo: alias@example.com\nFrom: shop@sender.example\nSubject: x\n\nHello`
    const headers = {
      From: 'staff@hotmail.example',
      Subject: 'complaint about message from 192.0.2.1',
    }
    const mixed = multipartReport('x', [`Content-Type: message/rfc822\n\n${mail}`], {
      ...headers,
      'Content-Type': 'multipart/mixed; boundary="=_boundary"',
    })
    const bare = message({ ...headers, 'Content-Type': 'message/rfc822' }, mail)
    for (const raw of [mixed, bare]) {
      expect(parseReport(raw)).toMatchObject({
        type: 'feedback-report',
        format: 'microsoft-jmrp',
        feedbackType: 'abuse',
        recipients: ['user@example.com'],
      })
    }
  })
})

describe('a feedback report that only its text calls so', () => {
  const mail =
    'Received: from out.sender.example\nMessage-ID: <1@sender.example>\nFrom: shop@sender.example\nTo: user@example.com\n'

  it.each([
    ['an email abuse', 'abuse'],
    ['a SPF/DKIM authentication-failure', 'auth-failure'],
    ['an opt-out', 'opt-out'],
  ])('%s report is %s', (words, feedbackType) => {
    const text = `This is ${words} report for an email message received from IP 192.0.2.1.\n`
    const headers = { From: 'fbl@provider.example', Subject: 'FW: Your order' }
    const plain = message(headers, `${text}\n${mail}`)
    const parts = multipartReport(
      'feedback-report',
      [`Content-Type: text/plain\n\n${text}`, `Content-Type: text/rfc822-headers\n\n${mail}`],
      headers,
    )
    for (const raw of [plain, parts]) {
      expect(parseReport(raw)).toMatchObject({
        type: 'feedback-report',
        format: 'arf-text',
        feedbackType,
        recipients: ['user@example.com'],
      })
    }
  })
})

describe('what is no feedback', () => {
  it.each([
    [
      'dmarc-report',
      {
        Subject: 'Report Domain: sender.example Submitter: p.example Report-ID: 1',
        'Content-Type': 'application/gzip',
      },
    ],
    [
      'tls-report',
      {
        Subject: 'Report Domain: sender.example',
        'Content-Type': 'multipart/report; report-type=tlsrpt; boundary=b',
      },
    ],
    ['x-arf', { Subject: 'abuse report', 'X-ARF': 'yes' }],
    [
      'enrolment',
      { Subject: 'Feedback Loop: please confirm your enrolment', From: 'fbl@provider.example' },
    ],
  ])('is set aside as %s', (format, headers) => {
    expect(parseReport(message(headers, 'See attachment.'))).toMatchObject({
      type: 'unrecognized',
      format,
    })
  })
})
