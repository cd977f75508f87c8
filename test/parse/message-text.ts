/** Puts a message together as it stands on the wire, for tests. */
export function message(
  headers: Readonly<Record<string, string>>,
  body: string,
  newline = '\r\n',
): Buffer {
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  return Buffer.from([...head, '', ...body.split('\n')].join(newline), 'utf8')
}

/** A bounce written for people, from a mail system to the sender. */
export function textBounce(body: string, headers: Readonly<Record<string, string>> = {}): Buffer {
  return message(
    {
      'Return-Path': '<>',
      From: 'Mail Delivery System <MAILER-DAEMON@mx.example.net>',
      To: 'bounces@sender.example',
      Subject: 'Undelivered Mail Returned to Sender',
      ...headers,
    },
    body,
  )
}

/** A multipart/report (RFC 6522) of parts, each with its header. */
export function multipartReport(
  reportType: string,
  parts: readonly string[],
  headers: Readonly<Record<string, string>> = {},
): Buffer {
  const body = parts.map((part) => `--=_boundary\n${part}\n`).join('')
  return message(
    {
      'Return-Path': '<>',
      From: 'Mail Delivery System <MAILER-DAEMON@mx.example.net>',
      To: 'bounces@sender.example',
      Subject: 'Undelivered Mail Returned to Sender',
      'MIME-Version': '1.0',
      'Content-Type': `multipart/report; report-type=${reportType}; boundary="=_boundary"`,
      ...headers,
    },
    `${body}--=_boundary--\n`,
  )
}

/** A delivery report (RFC 3464) with these lines as its second part. */
export function deliveryReport(
  status: string,
  human = 'It did not work out.',
  headers: Readonly<Record<string, string>> = {},
): Buffer {
  const parts = [
    `Content-Type: text/plain; charset=utf-8\n\n${human}`,
    `Content-Type: message/delivery-status\n\n${status}`,
    `Content-Type: message/rfc822\n\n${returnedMail}`,
  ]
  return multipartReport('delivery-status', parts, headers)
}

export const returnedMail = [
  'Return-Path: <bounces@sender.example>',
  'Message-ID: <mail-1@sender.example>',
  'From: Shop <shop@sender.example>',
  'To: Someone <written-to@example.com>',
  'Subject: Your order',
  '',
  'Write to decoy@example.com, or to <other-decoy@example.com>.',
].join('\n')
