import { describe, expect, it } from 'vitest'
import { parseReport } from '../../src/parse/report.ts'
import { message, textBounce } from './message-text.ts'

const person = {
  'Return-Path': '<jane@example.com>',
  From: 'Jane <jane@example.com>',
  To: 'news@sender.example',
}
const quotedBounce =
  '<bob@example.com>: host mx.example.com[192.0.2.1] said: 550 5.1.1 <bob@example.com>: unknown'

const rows: [name: string, headers: Record<string, string>, body: string][] = [
  [
    'a parcel that could not be delivered',
    { From: 'Parcel <noreply@parcel.example>', Subject: 'Delivery problem with your parcel' },
    'Your parcel could not be delivered.\nThis email was sent to jane@example.com.\n',
  ],
  [
    'a parcel, with a number like a reply code',
    { From: 'Parcel <noreply@parcel.example>', Subject: 'Delivery failed: we missed you' },
    'We were unable to deliver your package 550-123 to jane@example.com.\n',
  ],
  [
    'a person who asks about a bounce',
    { ...person, Subject: 'Mail delivery problem', 'User-Agent': 'Mutt' },
    `My mail to bob@example.com could not be delivered. Why?\n\n> ${quotedBounce}\n`,
  ],
  [
    'a person who answers one',
    { ...person, Subject: 'Re: Undelivered Mail', 'In-Reply-To': '<1@example.net>' },
    `Which address is right?\n\n${quotedBounce}\n`,
  ],
  [
    'a person who forwards one',
    { ...person, Subject: 'Fwd: Undelivered Mail Returned to Sender' },
    `See below.\n\n${quotedBounce}\n`,
  ],
  [
    'a newsletter about bounces',
    {
      From: 'Ops Weekly <news@ops.example>',
      Subject: 'User unknown: what a bounce is',
      'List-Id': '<weekly.ops.example>',
    },
    `When your message could not be delivered, Postfix says:\n\n${quotedBounce}\n`,
  ],
  [
    'somebody who left, with the null reverse-path',
    { ...person, 'Return-Path': '<>', Subject: 'Re: Your order' },
    'I no longer work here. Your message could not be delivered. Write to bob@example.com.\n',
  ],
  [
    'an out-of-office that quotes a reply code',
    { ...person, 'Return-Path': '<>', Subject: 'Re: Your order', 'Auto-Submitted': 'auto-replied' },
    '550 5.1.1 user unknown is what you will hear next week. Write to bob@example.com.\n',
  ],
  [
    'an announcement of the postmaster',
    { From: 'postmaster@sender.example', Subject: 'Mail delivery system maintenance' },
    'On Sunday no mail will come in for an hour. Ask help@sender.example.\n',
  ],
  [
    'a virus warning',
    { From: 'MailScanner <postmaster@example.net>', Subject: 'Warning: E-mail viruses detected' },
    'Our virus detector has been triggered by a message you sent:\n  To: bob@example.com\n',
  ],
  [
    'a moderated list',
    { From: 'list-owner@example.net', Subject: 'Your message to List awaits moderator approval' },
    'Your mail to list@example.net is being held until the moderator can review it.\n',
  ],
  [
    'a ticket that was bounced to somebody else',
    { From: 'Desk <desk@example.net>', Subject: '[Ticket#12] Your order' },
    'Your email with ticket number "12" is bounced to "bob@example.net".\n',
  ],
  [
    'a postmaster who names a filter',
    { From: 'postmaster@sender.example', Subject: 'New filter' },
    'We now use Barracuda and Mimecast. Questions to help@filter.example, please.\n',
  ],
  [
    'a quota warning',
    { From: 'postmaster@example.net', Subject: 'Mailbox quota warning' },
    'Your mailbox news@sender.example is 95% full.\n',
  ],
]

describe('no bounce', () => {
  it.each(rows)('is %s', (_, headers, body) => {
    const type = parseReport(message({ To: 'news@sender.example', ...headers }, body))?.type
    expect(type).not.toBe('delivery-status')
    expect(type).not.toBe('feedback-report')
  })

  it('is a bounce that names nobody: it is kept for people to see', () => {
    const raw = textBounce('Your message could not be delivered. Goodbye.\n')
    expect(parseReport(raw)).toMatchObject({
      type: 'unrecognized',
      format: 'bounce-without-recipient',
    })
  })
})

describe('a notice without a failure', () => {
  it.each([
    [
      'delivered',
      'Successful Mail Delivery Report',
      'This is the mail system at host mx.example.net.\n\nYour message was successfully delivered to the destination(s)\nlisted below.\n\n<bob@example.com>: delivery via local: delivered to mailbox\n',
    ],
    [
      'delivered',
      'Return receipt',
      '   ----- The following addresses had successful delivery notifications -----\n<bob@example.com>  (successfully delivered to mailbox)\n',
    ],
    [
      'relayed',
      'Delivery Status Notification (Relay)',
      'Your message has been successfully relayed to the following recipients.\n\n       bob@example.com\n',
    ],
    [
      'delayed',
      'Warning: could not send message for past 4 hours',
      '    **      THIS IS A WARNING MESSAGE ONLY      **\n\n   ----- Transcript of session follows -----\n<bob@example.com>... Deferred: Connection refused by mx.example.com.\nWill keep trying until message is 5 days old\n',
    ],
    [
      'delayed',
      'Delivery Status Notification (Delay)',
      '** Delivery incomplete **\n\nThere was a temporary problem delivering your message to bob@example.com. Gmail will retry for 47 more hours.\n\nThe response from the remote server was:\n451 4.7.1 later\n',
    ],
  ])('says %s: %s', (action, subject, body) => {
    expect(parseReport(textBounce(body, { Subject: subject }))).toMatchObject({
      recipients: [{ finalRecipient: 'bob@example.com', action }],
    })
  })
})
