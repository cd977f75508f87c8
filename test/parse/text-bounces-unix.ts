import { quoted, type TextBounceRow } from './text-bounces.ts'

export const unixRows: readonly TextBounceRow[] = [
  {
    name: 'Postfix, folded in the middle of a word about the host',
    format: 'postfix',
    body: `This is the mail system at host mx.example.net.

I'm sorry to have to inform you that your message could not
be delivered to one or more recipients. It's attached below.

<gone@example.com>: host mail.example.com[192.0.2.7] said: 550 5.1.1
    <gone@example.com>: Recipient address rejected: User unknown (in reply to
    RCPT TO command)

<full@example.org> (expanded from <alias@example.com>): host
    mail.example.org[192.0.2.8] said: 452 4.2.2 Mailbox full (in reply to end
    of DATA command)
`,
    recipients: [
      ['gone@example.com', { status: '5.1.1', replyCode: 550, remoteMta: 'mail.example.com' }],
      ['full@example.org', { status: '4.2.2', originalRecipient: 'alias@example.com' }],
    ],
  },
  {
    name: 'Exim with two failures and a forward',
    format: 'exim',
    headers: { 'X-Failed-Recipients': 'gone@example.com,\r\n  full@example.org' },
    body: `This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  gone@example.com
    host mail.example.com [192.0.2.7]
    SMTP error from remote mail server after RCPT TO:<gone@example.com>:
    550 5.1.1 <gone@example.com>: no such user
  full@example.org
    (ultimately generated from alias@example.com)
    retry timeout exceeded

------ This is a copy of the message, including all the headers. ------

${quoted}`,
    recipients: [
      [
        'gone@example.com',
        { status: '5.1.1', diagnosticCode: '550 5.1.1 <gone@example.com>: no such user' },
      ],
      ['full@example.org', { status: '4.0.0', originalRecipient: 'alias@example.com' }],
    ],
  },
  {
    name: 'Exim that hides the address behind the one that was written to',
    format: 'exim',
    body: `This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  an undisclosed address
    (generated from alias@example.com)
    550 5.2.1 mailbox disabled

------ This is a copy of the message, including all the headers. ------

${quoted}`,
    recipients: [['alias@example.com', { status: '5.2.1' }]],
  },
  {
    name: 'Exim that is still trying',
    format: 'exim',
    headers: { Subject: 'Warning: message 1abcde-000000-00 delayed 24 hours' },
    body: `This message was created automatically by mail delivery software.
A message that you sent has not yet been delivered to one or more of its
recipients after more than 24 hours on the queue on mx.example.net.

The address to which the message has not yet been delivered is:

  slow@example.com
    Delay reason: host mail.example.com [192.0.2.7]: 451 4.7.1 try later

No action is required on your part. Delivery attempts will continue for
some time, and this warning may be repeated at intervals if the message
remains undelivered. Eventually the mail delivery software will give up,
and when that happens, the message will be returned to you.
`,
    recipients: [['slow@example.com', { action: 'delayed', status: '4.7.1' }]],
  },
  {
    name: 'qmail with several paragraphs and odd blank lines',
    format: 'qmail',
    headers: { From: 'MAILER-DAEMON@mx.example.net', Subject: 'failure notice' },
    body: `Hi. This is the qmail-send program at mx.example.net.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.


<gone@example.com>:
Sorry, no mailbox here by that name. (#5.1.1)



<host@nowhere.example>:
Sorry, I couldn't find any host named nowhere.example. (#5.1.2)

--- Below this line is a copy of the message.

${quoted}`,
    recipients: [
      ['gone@example.com', { status: '5.1.1' }],
      ['host@nowhere.example', { status: '5.1.2' }],
    ],
  },
  {
    name: 'qmail in German',
    format: 'qmail',
    headers: { From: 'MAILER-DAEMON@mx.example.net', Subject: 'Fehler bei der Zustellung' },
    body: `Hallo. Hier ist das qmail-send Programm auf mx.example.net.
Leider konnte ich Ihre Nachricht nicht an die folgenden Adressen zustellen.
Dies ist ein dauerhafter Fehler.

<weg@example.com>:
192.0.2.7 does not like recipient.
Remote host said: 550 5.1.1 unbekannter Empfaenger
Giving up on 192.0.2.7.

--- Unterhalb dieser Zeile steht eine Kopie der Nachricht.

${quoted}`,
    recipients: [['weg@example.com', { status: '5.1.1', replyCode: 550 }]],
  },
  {
    name: 'Sendmail with its transcript',
    format: 'sendmail',
    headers: { Subject: 'Returned mail: see transcript for details' },
    body: `The original message was received at Mon, 2 Nov 2026 10:00:00 GMT
from out.sender.example [192.0.2.1]

   ----- The following addresses had permanent fatal errors -----
<gone@example.com>
    (reason: 550 5.1.1 <gone@example.com>... User unknown)
<other@example.org>
    (expanded from: <alias@example.com>)

   ----- Transcript of session follows -----
... while talking to mail.example.com.:
>>> RCPT To:<gone@example.com>
<<< 550 5.1.1 <gone@example.com>... User unknown
550 5.1.1 <gone@example.com>... User unknown
... while talking to mail.example.org.:
>>> RCPT To:<other@example.org>
<<< 552 5.2.2 over quota
`,
    recipients: [
      ['gone@example.com', { status: '5.1.1' }],
      ['other@example.org', { status: '5.2.2', originalRecipient: 'alias@example.com' }],
    ],
  },
  {
    name: 'a very old Sendmail, with nothing but the transcript',
    format: 'sendmail',
    headers: { Subject: 'Returned mail: User unknown' },
    body: `   ----- Transcript of session follows -----
While talking to mail.example.com:
>>> RCPT To:<gone@example.com>
<<< 550 <gone@example.com>... User unknown

   ----- Unsent message follows -----
${quoted}`,
    recipients: [['gone@example.com', { status: null, replyCode: 550 }]],
  },
  {
    name: 'Gmail as it was',
    format: 'google',
    headers: {
      From: 'Mail Delivery Subsystem <mailer-daemon@googlemail.example>',
      Subject: 'Delivery Status Notification (Failure)',
    },
    body: `Delivery to the following recipient failed permanently:

     gone@example.com

Technical details of permanent failure: 
Google tried to deliver your message, but it was rejected by the server for the recipient domain example.com by mail.example.com. [192.0.2.7].

The error that the other server returned was:
550 5.1.1 <gone@example.com>: user unknown

----- Original message -----

${quoted}`,
    recipients: [['gone@example.com', { status: '5.1.1', replyCode: 550 }]],
  },
]
