import { quoted, type TextBounceRow } from './text-bounces.ts'

export const providersRows: readonly TextBounceRow[] = [
  {
    name: 'Gmail as it is, in Spanish',
    format: 'google',
    headers: {
      From: 'Mail Delivery Subsystem <mailer-daemon@googlemail.example>',
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
    format: 'exchange',
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
    format: 'exchange',
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
      [
        'gone@example.com',
        { diagnosticCode: 'User gone (gone@example.com) not listed in Domino Directory' },
      ],
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
]
