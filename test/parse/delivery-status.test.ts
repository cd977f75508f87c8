import { describe, expect, it } from 'vitest'
import { parseReport } from '../../src/parse/report.ts'
import { deliveryReport, message, multipartReport, textBounce } from './message-text.ts'

const reporting = 'Reporting-MTA: dns; mx.example.net\n\n'

function recipientsOf(raw: Buffer) {
  const report = parseReport(raw)
  expect(report?.type).toBe('delivery-status')
  return report?.type === 'delivery-status' ? report.recipients : []
}

function single(fields: string) {
  const recipients = recipientsOf(deliveryReport(reporting + fields))
  expect(recipients).toHaveLength(1)
  return recipients[0]
}

describe('a delivery report', () => {
  it('reports each recipient with its own verdict', () => {
    const recipients = recipientsOf(
      deliveryReport(`${reporting}Original-Recipient: rfc822;alias@example.com
Final-Recipient: rfc822;gone@example.com
Action: failed
Status: 5.1.1
Remote-MTA: dns; mail.example.com
Diagnostic-Code: smtp; 550 5.1.1 No such user

Final-Recipient: rfc822;slow@example.com
Action: delayed
Status: 4.4.1

Final-Recipient: rfc822;fine@example.com
Action: delivered
Status: 2.1.5
`),
    )
    expect(recipients).toEqual([
      {
        finalRecipient: 'gone@example.com',
        originalRecipient: 'alias@example.com',
        actualRecipient: null,
        action: 'failed',
        status: '5.1.1',
        replyCode: 550,
        diagnosticCode: '550 5.1.1 No such user',
        remoteMta: 'mail.example.com',
        smtpCommand: null,
      },
      expect.objectContaining({ finalRecipient: 'slow@example.com', action: 'delayed' }),
      expect.objectContaining({ finalRecipient: 'fine@example.com', action: 'delivered' }),
    ])
  })

  it('names the reporting MTA, the envelope id and the mail that came back', () => {
    const raw = deliveryReport(
      'Reporting-MTA: dns; mx.example.net\nOriginal-Envelope-Id: order-7\n\nFinal-Recipient: rfc822; a@example.com\nAction: failed\nStatus: 5.1.1\n',
    )
    expect(parseReport(raw)).toMatchObject({
      format: 'rfc3464',
      reportingMta: 'mx.example.net',
      originalEnvelopeId: 'order-7',
      original: {
        messageId: '<mail-1@sender.example>',
        from: 'shop@sender.example',
        to: ['written-to@example.com'],
        returnPath: 'bounces@sender.example',
      },
    })
  })

  it('reads recipients that nothing separates, and such that too much does', () => {
    const close = `${reporting}Final-Recipient: rfc822; a@example.com
Action: failed
Status: 5.1.1
Final-Recipient: rfc822; b@example.com
Action: delayed
Status: 4.2.2`
    const far = `${reporting}\n\n\nFinal-Recipient: rfc822; a@example.com\n\nAction: failed\n\n\nStatus: 5.1.1\n\n\n\nFinal-Recipient: rfc822; b@example.com\n\nAction: delayed\nStatus: 4.2.2`
    for (const status of [close, far]) {
      expect(recipientsOf(deliveryReport(status))).toMatchObject([
        { finalRecipient: 'a@example.com', action: 'failed', status: '5.1.1' },
        { finalRecipient: 'b@example.com', action: 'delayed', status: '4.2.2' },
      ])
    }
  })

  it('reads fields in any order', () => {
    const status = `${reporting}Action: failed
Status: 5.1.1
Final-Recipient: rfc822; a@example.com

Status: 4.2.2
Action: delayed
Diagnostic-Code: smtp; 452 full
Final-Recipient: rfc822; b@example.com`
    expect(recipientsOf(deliveryReport(status))).toMatchObject([
      { finalRecipient: 'a@example.com', action: 'failed' },
      { finalRecipient: 'b@example.com', action: 'delayed', replyCode: 452 },
    ])
  })

  it.each([
    ['rfc822; a@example.com', 'a@example.com'],
    ['RFC822;a@example.com', 'a@example.com'],
    ['rfc822; <a@example.com>', 'a@example.com'],
    ['<a@example.com>', 'a@example.com'],
    ['a@example.com', 'a@example.com'],
    ['rfc822; "a@example.com"', 'a@example.com'],
    ['rfc822; a@example.com (Some One)', 'a@example.com'],
    ['rfc822; Some One <a@example.com>', 'a@example.com'],
    ['rfc/822; a@example.com', 'a@example.com'],
    ['local; a@example.com', 'a@example.com'],
    ['rfc822; "a b"@example.com', '"a b"@example.com'],
    ['rfc822; a+2Bb@example.com', 'a+b@example.com'],
    ['rfc822; a+20@example.com', 'a+20@example.com'],
    ['utf-8; j\\x{F6}rg@example.com', 'jörg@example.com'],
    ['utf-8; jörg@exämple.com', 'jörg@exämple.com'],
    ['system;|/bin/filter', '|/bin/filter'],
  ])('takes the recipient from %s', (value, address) => {
    expect(single(`Final-Recipient: ${value}\nAction: failed\nStatus: 5.1.1`)).toMatchObject({
      finalRecipient: address,
    })
  })

  it('prefers an address over what is none', () => {
    const fields =
      'Final-Recipient: system;|exec filter\nX-Actual-Recipient: rfc822; a@example.com\nAction: failed\nStatus: 5.3.0'
    expect(single(fields)).toMatchObject({
      finalRecipient: 'a@example.com',
      actualRecipient: 'a@example.com',
    })
  })

  it.each([
    ['5.2.2 (mailbox full)', null, '5.2.2'],
    ['5.02.02', null, '5.2.2'],
    ['5.1.1 #5.1.1', null, '5.1.1'],
    ['5.0.0', 'smtp; 550 5.7.1 refused', '5.7.1'],
    ['5.0.0', 'smtp; 550 refused (#5.7.1)', '5.7.1'],
    ['5.0.0', "smtp; 5.1.0 - error 550-'5.4.1 Access denied'", '5.4.1'],
    ['4.4.7', 'smtp; 450 4.7.1 try later', '4.7.1'],
    ['5.1.1', 'smtp; 550 5.0.0 no', '5.1.1'],
    ['5.7.1', 'smtp; 550 [192.5.1.1] listed, see 10.5.7.9', '5.7.1'],
    ['', 'smtp; 550 5.1.1 no', '5.1.1'],
    ['', 'smtp; 550 no', null],
    ['5.0.0', 'smtp; 250 2.6.0 queued, then 550 5.7.1 no', '5.7.1'],
    ['2.1.5', 'smtp; 250 2.1.5 ok', '2.1.5'],
  ])('status %s and diagnosis %s mean %s', (status, diagnosis, expected) => {
    const line = diagnosis === null ? '' : `\nDiagnostic-Code: ${diagnosis}`
    const fields = `Final-Recipient: rfc822; a@example.com\nAction: failed\nStatus: ${status}${line}`
    expect(single(fields)?.status).toBe(expected)
  })

  it.each([
    ['failed', 'failed'],
    ['Failure', 'failed'],
    ['failed (not delivered)', 'failed'],
    ['relayed', 'relayed'],
    ['delivered', 'delivered'],
    ['', 'failed'],
    ['who knows', 'failed'],
  ])('action %s means %s', (value, action) => {
    const fields = `Final-Recipient: rfc822; a@example.com\nAction: ${value}\nStatus: 5.1.1`
    expect(single(fields)?.action).toBe(action)
  })

  it('joins a diagnosis that was broken without folding', () => {
    const fields = `Final-Recipient: rfc822; a@example.com
Diagnostic-Code: smtp; 550-5.7.1 The message was
550-5.7.1 refused. Error: see https://example.com/why
550 5.7.1 for more
Action: failed
Status: 5.0.0`
    expect(single(fields)).toMatchObject({
      action: 'failed',
      status: '5.7.1',
      diagnosticCode:
        '550 5.7.1 The message was refused. Error: see https://example.com/why for more',
    })
  })

  it('completes a missing diagnosis from the text, but never the recipient', () => {
    const status = `${reporting}Final-Recipient: rfc822; a@example.com\nAction: failed\nStatus: 5.0.0`
    const human = `This is the mail system at host mx.example.net.

<decoy@example.com>: host mail.example.com[192.0.2.7] said: 550 5.7.1 no

<a@example.com>: host mail.example.com[192.0.2.7] said: 552 5.2.2 full (in
    reply to RCPT TO command)`
    expect(recipientsOf(deliveryReport(status, human))).toMatchObject([
      {
        finalRecipient: 'a@example.com',
        status: '5.2.2',
        replyCode: 552,
        diagnosticCode: '552 5.2.2 full',
        remoteMta: 'mail.example.com',
      },
    ])
  })

  it('takes the recipient from X-Failed-Recipients when the report names none', () => {
    const raw = deliveryReport(`${reporting}Action: failed\nStatus: 5.1.1`, 'Failed.', {
      'X-Failed-Recipients': 'a@example.com',
    })
    expect(recipientsOf(raw)).toMatchObject([{ finalRecipient: 'a@example.com', status: '5.1.1' }])
  })

  it('reads message/global-delivery-status', () => {
    const status = `${reporting}Final-Recipient: utf-8; j\\x{F6}rg@example.com\nAction: failed\nStatus: 5.1.1`
    const raw = multipartReport('delivery-status', [
      `Content-Type: message/global-delivery-status; charset=utf-8\n\n${status}`,
      'Content-Type: message/global-headers\n\nTo: jörg@example.com\nMessage-ID: <1@x.example>',
    ])
    expect(parseReport(raw)).toMatchObject({
      recipients: [{ finalRecipient: 'jörg@example.com' }],
      original: { messageId: '<1@x.example>', to: ['jörg@example.com'] },
    })
  })

  const fields = 'Final-Recipient: rfc822; a@example.com\nAction: failed\nStatus: 5.1.1\n'

  it.each([
    [
      'as the whole body',
      message({ 'Content-Type': 'message/delivery-status' }, reporting + fields),
    ],
    [
      'under multipart/mixed',
      deliveryReport(reporting + fields, 'x', {
        'Content-Type': 'multipart/mixed; boundary="=_boundary"',
      }),
    ],
    [
      'without its report-type',
      deliveryReport(reporting + fields, 'x', {
        'Content-Type': 'multipart/report; boundary="=_boundary"',
      }),
    ],
    [
      'with a misspelt type',
      deliveryReport(reporting + fields, 'x', {
        'Content-Type': 'multipart/rep0rt; boundary="=_boundary"',
      }),
    ],
    [
      'without the boundary parameter',
      deliveryReport(reporting + fields, 'x', {
        'Content-Type': 'multipart/report; report-type=delivery-status',
      }),
    ],
    [
      'with a wrong boundary parameter',
      deliveryReport(reporting + fields, 'x', {
        'Content-Type': 'multipart/report; boundary="other"',
      }),
    ],
    [
      'in a part of an unknown type',
      multipartReport('delivery-status', [
        `Content-Type: message/x-status\n\n${reporting}${fields}`,
      ]),
    ],
    [
      'in a part whose header is broken',
      multipartReport('delivery-status', [
        `Content-Description: report\n\nContent-Type: message/delivery-status\n\n${reporting}${fields}`,
      ]),
    ],
    ['in the text itself', textBounce(`It failed.\n\nTechnical report:\n\n${reporting}${fields}`)],
    [
      'in a report within a report',
      multipartReport('other', [
        `Content-Type: message/rfc822\n\n${deliveryReport(reporting + fields)
          .toString()
          .replaceAll('\r\n', '\n')
          .replaceAll('=_boundary', '=_inner')}`,
      ]),
    ],
  ])('is read %s', (_, raw) => {
    expect(recipientsOf(raw)).toMatchObject([
      { finalRecipient: 'a@example.com', action: 'failed', status: '5.1.1' },
    ])
  })

  it('sets a challenge aside that calls itself a delivery report', () => {
    const raw = deliveryReport(reporting + fields, 'Click here to be let in.', {
      Subject: 'Please confirm your message',
    })
    expect(parseReport(raw)).toMatchObject({ type: 'automatic-response', format: 'challenge' })
  })

  it('lets no control character or half character out', () => {
    const raw = deliveryReport(
      `${reporting}Final-Recipient: utf-8; a\\x{D800}\\x{0}\\x{7}b@example.com\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 a\u0007\u0000b\u001b c`,
    )
    const text = JSON.stringify(parseReport(raw))
    expect(text).not.toMatch(/\\u0000|\\u0007|\\u001b|\\ud800/i)
  })
})
