import { describe, expect, it } from 'vitest'
import { parseReport } from '../../src/parse/report.ts'
import { textBounce } from './message-text.ts'

type Row = {
  name: string
  format: string
  headers?: Record<string, string>
  body: string
  /** address, then what else must stand in the report. */
  recipients: [address: string, expected: Record<string, unknown>][]
}

const quoted = `Return-Path: <bounces@sender.example>
Received: from out.sender.example by mx.example.net; Mon, 2 Nov 2026 10:00:00 +0000
Message-ID: <mail-1@sender.example>
From: Shop <shop@sender.example>
To: written-to@example.com
Subject: Your order

Ask <decoy@example.com> or
<other-decoy@example.com>: 550 5.1.1 User unknown
`

const rows: Row[] = [
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
      ['gone@example.com', { status: '5.1.1', diagnosticCode: '550 5.1.1 <gone@example.com>: no such user' }],
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
      From: 'Mail Delivery Subsystem <mailer-daemon@googlemail.com>',
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
  {
    name: 'Gmail as it is, in Spanish',
    format: 'google',
    headers: {
      From: 'Mail Delivery Subsystem <mailer-daemon@googlemail.com>',
      Subject: 'Delivery Status Notification (Failure)',
    },
    body: `
** No se ha encontrado la dirección **

Tu mensaje no se ha entregado a gone@example.com porque no se ha encontrado la dirección o esta no puede recibir correo.

La respuesta del servidor remoto es la siguiente:
550 5.1.1 The email account that you tried to reach does not exist.
`,
    recipients: [['gone@example.com', { status: '5.1.1', replyCode: 550 }]],
  },
  {
    name: 'Office 365',
    format: 'office365',
    headers: { From: 'postmaster@example.net', Subject: 'Undeliverable: Your order' },
    body: `Delivery has failed to these recipients or groups:

gone@example.com<mailto:gone@example.com>
The email address you entered couldn't be found.

Diagnostic information for administrators:

Generating server: AB1CD.eurprd01.prod.outlook.com

gone@example.com
Remote Server returned '550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient gone@example.com not found by SMTP address lookup'

Original message headers:

${quoted}`,
    recipients: [['gone@example.com', { status: '5.1.10', replyCode: 550 }]],
  },
  {
    name: 'Exchange in German',
    format: 'text',
    headers: {
      From: 'Systemadministrator <postmaster@example.net>',
      Subject: 'Unzustellbar: Ihre Bestellung',
    },
    body: `Ihre Nachricht hat einige oder alle Empfänger nicht erreicht.

      Betreff: Ihre Bestellung
      Gesendet am: 02.11.2026 10:00

Folgende Empfänger konnten nicht erreicht werden:

      weg@example.com am 02.11.2026 10:00
            Das E-Mail-Konto ist in der Organisation nicht vorhanden. <mx.example.net #5.1.1>
`,
    recipients: [['weg@example.com', { status: '5.1.1' }]],
  },
  {
    name: 'Exchange in French',
    format: 'text',
    headers: {
      From: 'Administrateur système <postmaster@example.net>',
      Subject: '=?utf-8?Q?Non_remis=C2=A0:_Votre_commande?=',
    },
    body: `Votre message n'est pas parvenu à certains ou à tous les destinataires.

Impossible de joindre le(s) destinataire(s) suivant(s)\u00a0:

      parti@example.com le 02/11/2026 10:00
            Le compte de messagerie n'existe pas. #5.1.1
`,
    recipients: [['parti@example.com', { status: '5.1.1' }]],
  },
  {
    name: 'Exchange 5.5 with an X.400 address',
    format: 'exchange',
    headers: { From: 'System Administrator <postmaster@example.net>', Subject: 'Undeliverable: x' },
    body: `Your message

  To:      someone@else.example
  Subject: x
  Sent:    Mon, 2 Nov 2026 10:00:00 -0400

did not reach the following recipient(s):

c=US;a= ;p=EXAMPLE;o=Site;dda:SMTP=gone@example.com; on Mon, 2 Nov 2026
    The recipient name is not recognized
    MSEXCH:IMS:EXAMPLE:Site:SERVER 0 (000C05A6) Unknown Recipient
`,
    recipients: [['gone@example.com', { status: '5.0.0', replyCode: null }]],
  },
  {
    name: 'Domino',
    format: 'domino',
    headers: { From: 'Postmaster@example.net', Subject: 'DELIVERY FAILURE: User gone not listed' },
    body: `Your message

  Subject: Your order

was not delivered to:

  gone@example.com

because:

  User gone (gone@example.com) not listed in Domino Directory
`,
    recipients: [
      ['gone@example.com', { diagnosticCode: 'because: User gone (gone@example.com) not listed in Domino Directory' }],
    ],
  },
  {
    name: 'Yahoo',
    format: 'yahoo',
    headers: { From: 'MAILER-DAEMON@yahoo.example', Subject: 'Failure Notice' },
    body: `Message from yahoo.example.
Unable to deliver message to the following address(es).

<gone@yahoo.example>:
This user doesn't have a yahoo.example account (gone@yahoo.example) [-5]

<off@yahoo.example>:
Sorry your message to off@yahoo.example cannot be delivered. This account has been disabled or discontinued [#102].

--- Original message follows.

${quoted}`,
    recipients: [
      ['gone@yahoo.example', {}],
      ['off@yahoo.example', {}],
    ],
  },
  {
    name: 'OpenSMTPD',
    format: 'opensmtpd',
    headers: { Subject: 'Delivery status notification: error' },
    body: `    Hi!

    This is the MAILER-DAEMON, please DO NOT REPLY to this email.

    An error has occurred while attempting to deliver a message for
    the following list of recipients:

gone@example.com: 550 5.1.1 <gone@example.com>: no such user
full@example.org: 552 5.2.2 full

    Below is a copy of the original message:

${quoted}`,
    recipients: [
      ['gone@example.com', { status: '5.1.1' }],
      ['full@example.org', { status: '5.2.2' }],
    ],
  },
  {
    name: 'DragonFly',
    format: 'dragonfly',
    headers: { From: 'MAILER-DAEMON <>', Subject: 'Mail delivery failed' },
    body: `This is the DragonFly Mail Agent v0.13 at mx.example.net.

There was an error delivering your mail to <gone@example.com>.

mail.example.com [192.0.2.7] did not like our RCPT TO:
550 5.1.1 <gone@example.com>: Recipient address rejected: User unknown

Message headers follow.

${quoted}`,
    recipients: [['gone@example.com', { status: '5.1.1' }]],
  },
  {
    name: 'IMail with two unknown users',
    format: 'imail',
    headers: {
      From: '"Postmaster" <postmaster@mx.example.net>',
      Subject: 'Undeliverable Mail',
      'X-Mailer': '<SMTP32 v8.15>',
    },
    body: `Unknown user: gone@example.com

RCPT TO generated following response:
553 5.3.0 <gone@example.com>... Addressee unknown

Unknown user: lost@example.com

RCPT TO generated following response:
550 5.1.1 <lost@example.com>... Addressee unknown

Original message follows.

${quoted}`,
    recipients: [
      ['gone@example.com', { status: '5.3.0' }],
      ['lost@example.com', { status: '5.1.1' }],
    ],
  },
  {
    name: 'GMX and its kin',
    format: 'nemesis',
    headers: { From: '"GMX Mailer Daemon" <mailer-daemon@gmx.de>' },
    body: `This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of
its recipients. This is a permanent error. The following address
failed:

"voll@example.com":
SMTP error from remote server for RCPT TO command, host: mail.example.com (192.0.2.7) reason: 552 5.2.2 mailbox full

--- The header of the original message is following. ---

${quoted}`,
    recipients: [['voll@example.com', { status: '5.2.2', replyCode: 552 }]],
  },
  {
    name: 'Zoho',
    format: 'zoho',
    headers: { From: 'mailer-daemon@mail.zoho.com' },
    body: `This message was created automatically by mail delivery software.
A message that you sent could not be delivered to one or more of its recipients. This is a permanent error.

gone@example.com Invalid Address, ERROR_CODE :550, ERROR_CODE :5.1.1 <gone@example.com>... User Unknown


Received:from mail.zoho.com by mx.zohomail.com
Message-ID:<1@zoho.example>
To:<decoy@example.com>
`,
    recipients: [['gone@example.com', { status: '5.1.1' }]],
  },
  {
    name: 'Mail.Ru, in Russian',
    format: 'mail.ru',
    headers: {
      From: 'mailer-daemon@corp.mail.ru',
      Subject: 'Ваше сообщение не доставлено. Mail failure.',
      'X-Failed-Recipients': 'gone@example.com',
    },
    body: `Это письмо создано автоматически сервером Mail.Ru, отвечать на него не нужно.

К сожалению, Ваше письмо не может быть доставлено одному или нескольким получателям:

  gone@example.com
    SMTP error from remote mail server after RCPT TO:<gone@example.com>:
    host mail.example.com [192.0.2.7]: 550 5.1.1 no such user

Рекомендуем Вам проверить корректность указания адресов получателей.
`,
    recipients: [['gone@example.com', { status: '5.1.1' }]],
  },
  {
    name: 'a Japanese provider, without a label',
    format: 'text',
    headers: { From: 'Postmaster@mx.example.net', Subject: 'メール配信エラーのお知らせ' },
    body: `次のあて先へのメッセージはエラーのため送信できませんでした。

<gone@example.com>

送信先メールアドレスが見つかりません。
`,
    recipients: [['gone@example.com', {}]],
  },
  {
    name: 'a Chinese provider, within a sentence',
    format: 'text',
    headers: { From: 'postmaster@mx.example.net', Subject: '系统退信' },
    body: '很抱歉，您的邮件无法送达 gone@example.com 。\n原因：550 5.1.1 用户不存在\n',
    recipients: [['gone@example.com', { status: '5.1.1' }]],
  },
  {
    name: 'a Portuguese system',
    format: 'text',
    headers: { From: 'postmaster@mx.example.net', Subject: 'Falha na entrega' },
    body: 'A sua mensagem não pôde ser entregue ao destinatário gone@example.com.\n\nMotivo: 550 5.1.1 usuário desconhecido\n',
    recipients: [['gone@example.com', { status: '5.1.1' }]],
  },
  {
    name: 'a Dutch system',
    format: 'text',
    headers: { From: 'postmaster@mx.example.net', Subject: 'Uw bericht kon niet worden bezorgd' },
    body: 'Uw bericht aan weg@example.com kon niet worden bezorgd.\nReden: 552 5.2.2 postbus vol\n',
    recipients: [['weg@example.com', { status: '5.2.2' }]],
  },
  {
    name: 'a Polish system',
    format: 'text',
    headers: { From: 'postmaster@mx.example.net', Subject: 'Wiadomość niedostarczona' },
    body: 'Nie można dostarczyć wiadomości do adresata:\n\n   nikt@example.com\n\nPowód: 550 5.1.1 brak takiego użytkownika\n',
    recipients: [['nikt@example.com', { status: '5.1.1' }]],
  },
  {
    name: 'MailEnable',
    format: 'exchange',
    headers: { From: '"Delivery Subsystem" <POSTMASTER@mx.example.net>', Subject: 'Message Delivery Failure' },
    body: `MailEnable: Message could not be delivered to some recipients.
The following recipient(s) could not be reached:

\tRecipient: [SMTP:gone@example.com]
\tReason: Remote SMTP Server Returned: 550 5.1.1 unknown


Message headers follow:

${quoted}`,
    recipients: [['gone@example.com', { status: '5.1.1' }]],
  },
  {
    name: 'a filter that names the address in a sentence',
    format: 'mailfoundry',
    headers: { Subject: 'Message delivery has failed' },
    body: `Unable to deliver message to: <gone@example.com>
Delivery failed for the following reason:
Server mail.example.com[192.0.2.7] failed with: 550 <gone@example.com> No such user here

This has been a permanent failure.  No further delivery attempts will be made.
`,
    recipients: [['gone@example.com', { replyCode: 550 }]],
  },
  {
    name: 'Mercury',
    format: 'text',
    headers: { From: 'postmaster@mx.example.net', Subject: 'Postmaster notify: see transcript for details', },
    body: `Your message could not be delivered to one or more recipients.
The following recipient addresses failed:

  gone@example.com: 550 5.1.1 no such user

---------------------- Original message ----------------------
${quoted}`,
    recipients: [['gone@example.com', { status: '5.1.1' }]],
  },
]

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

  it('is no bounce when somebody forwards or discusses one', () => {
    const body = `Hello,\n\nthis came back to me:\n\n${rows.map((row) => row.body).join('\n')}`
    for (const subject of ['Fwd: your newsletter', 'Re: Undelivered Mail Returned to Sender']) {
      const headers = { 'Return-Path': '<me@example.com>', From: 'Me <me@example.com>', Subject: subject }
      expect(parseReport(textBounce(body, headers))?.type).toBe('unrecognized')
    }
  })
})
