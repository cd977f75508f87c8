import { quoted, type TextBounceRow } from './text-bounces.ts'

export const othersRows: readonly TextBounceRow[] = [
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
    headers: { From: '"GMX Mailer Daemon" <mailer-daemon@gmx.example>' },
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
    headers: { From: 'mailer-daemon@mail.zoho.example' },
    body: `This message was created automatically by mail delivery software.
A message that you sent could not be delivered to one or more of its recipients. This is a permanent error.

gone@example.com Invalid Address, ERROR_CODE :550, ERROR_CODE :5.1.1 <gone@example.com>... User Unknown


Received:from mail.zoho.example by mx.zoho.example
Message-ID:<1@zoho.example>
To:<decoy@example.com>
`,
    recipients: [['gone@example.com', { status: '5.1.1' }]],
  },
  {
    name: 'Mail.Ru, in Russian',
    format: 'mail.ru',
    headers: {
      From: 'mailer-daemon@corp.pochta.example',
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
    format: 'mailenable',
    headers: {
      From: '"Delivery Subsystem" <POSTMASTER@mx.example.net>',
      Subject: 'Message Delivery Failure',
    },
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
    headers: {
      From: 'postmaster@mx.example.net',
      Subject: 'Postmaster notify: see transcript for details',
    },
    body: `Your message could not be delivered to one or more recipients.
The following recipient addresses failed:

  gone@example.com: 550 5.1.1 no such user

---------------------- Original message ----------------------
${quoted}`,
    recipients: [['gone@example.com', { status: '5.1.1' }]],
  },
]
