import { describe, expect, it } from 'vitest'
import { parseReport } from '../../src/parse/report.ts'
import { textBounce } from './message-text.ts'

type Row = [
  name: string,
  format: string,
  headers: Record<string, string>,
  body: string,
  recipients: Record<string, string | number | null>,
]

/** Each address with its status, or with its reply code where there is no status. */
const rows: Row[] = [
  [
    'Exchange 2007',
    'office365',
    { From: 'postmaster@example.net', Subject: 'Undeliverable: hi' },
    `Delivery has failed to these recipients or distribution lists:

John Doe<mailto:john@example.com>
The recipient's e-mail address was not found.

Diagnostic information for administrators:

Generating server: mx.example.net

john@example.com
#550 5.1.1 RESOLVER.ADR.RecipNotFound; not found ##

Original message headers:

Received: from out.sender.example
From: <decoy@example.com>
`,
    { 'john@example.com': '5.1.1' },
  ],
  [
    'Exchange 2007 in Japanese',
    'text',
    { From: 'postmaster@example.net', Subject: '配信不能: hi' },
    `次の受信者または配布リストへの配信に失敗しました。

John<mailto:john@example.com>
受信者の電子メール アドレスが見つかりませんでした。

生成元サーバー: mx.example.net

john@example.com
#550 5.1.1 RESOLVER.ADR.RecipNotFound; not found ##

元のメッセージ ヘッダー:

Received: from out.sender.example
`,
    { 'john@example.com': '5.1.1' },
  ],
  [
    'MDaemon',
    'mdaemon',
    { From: 'MDaemon@mx.example.net', Subject: 'Permanent Delivery Failure' },
    `The attached message had PERMANENT fatal delivery errors!

Failed address: gone@example.com

--- Session Transcript ---
 Mon 2026-11-02 10:00:00: --> RCPT To:<gone@example.com>
 Mon 2026-11-02 10:00:00: <-- 550 5.1.1 <gone@example.com>: unknown
--- End Transcript ---
`,
    { 'gone@example.com': '5.1.1' },
  ],
  [
    'Courier',
    'courier',
    {
      From: '"Courier mail server at mx.example.net" <@>',
      Subject: 'NOTICE: mail delivery status.',
    },
    `This is a delivery status notification from mx.example.net,
running the Courier mail server, version 0.65.2.

                           UNDELIVERABLE MAIL

Your message to the following recipients cannot be delivered:

<gone@example.com>:
    mail.example.com [192.0.2.7]:
>>> RCPT TO:<gone@example.com>
<<< 550 5.1.1 <gone@example.com>... User Unknown

---------------------------------------------------------------------------
`,
    { 'gone@example.com': '5.1.1' },
  ],
  [
    'InterScan',
    'interscan',
    { From: 'postmaster@example.net', Subject: 'Mail could not be delivered' },
    `****** Message from InterScan Messaging Security Suite ******

Sent >>> RCPT TO:<gone@example.com>
Received <<< 550 5.1.1 <gone@example.com>... user unknown

Unable to deliver message to <gone@example.com>.
`,
    { 'gone@example.com': '5.1.1' },
  ],
  [
    'MailMarshal',
    'mailmarshal',
    { From: 'postmaster@example.net', Subject: 'Undeliverable Mail: "hi"' },
    `Your message:
   From:    bounces@sender.example
   Subject: hi

Could not be delivered because of

550 5.1.1 User unknown

The following recipients were affected: 
    gone@example.com
`,
    { 'gone@example.com': '5.1.1' },
  ],
  [
    'SurfControl',
    'text',
    { From: 'postmaster@example.net', Subject: 'Undelivered message' },
    `Your message could not be delivered.
Failed to send to identified host,
gone@example.com: [192.0.2.5], 550 gone@example.com... No such user
--- Message non-deliverable.
`,
    { 'gone@example.com': 550 },
  ],
  [
    'Active!hunter',
    'sendmail',
    { Subject: 'FAILURE NOTICE :' },
    `  ----- The following addresses had permanent fatal errors -----

>>> gone@example.com <gone@example.com>

 550 sorry, no mailbox here by that name (#5.1.1 - chkusr)

  ----- original message follows -----
`,
    { 'gone@example.com': '5.1.1' },
  ],
  [
    'Barracuda',
    'text',
    { Subject: '**Message you sent blocked by our bulk email filter**' },
    `Your message to: gone@example.com
was blocked by our Spam Firewall. The email you sent has NOT BEEN DELIVERED.
`,
    { 'gone@example.com': '5.0.0' },
  ],
  [
    'Lotus Notes',
    'domino',
    { Subject: 'DELIVERY FAILURE', 'X-Mailer': 'Lotus Notes' },
    `------- Failure Reasons  --------

User not listed in public Name & Address Book
gone@example.com

------- Returned Mail  --------

Received: from out.sender.example
To: decoy@example.com
`,
    { 'gone@example.com': '5.0.0' },
  ],
  [
    'GroupWise',
    'groupwise',
    { Subject: 'Message status - undeliverable', 'X-Mailer': 'Novell GroupWise' },
    `The message that you sent was undeliverable to the following:
\tgone@example.com (user not found)

Possibly truncated original message follows:

Received: from out.sender.example
To: decoy@example.com
`,
    { 'gone@example.com': '5.0.0' },
  ],
  [
    'CommuniGate',
    'text',
    { Subject: 'Undeliverable mail: hi' },
    `Failed to deliver to 'gone@example.com'
SMTP module(domain example.com) reports:
 host mail.example.com says:
 550 5.1.1 gone@example.com... User unknown
`,
    { 'gone@example.com': '5.1.1' },
  ],
  [
    'a provider in China',
    'text',
    { From: 'postmaster@mx.example.net', Subject: '系统退信/Systems bounce' },
    `抱歉，您的邮件被退回来了……
原邮件信息：
主　题：hi
收件人：gone@example.com
退信原因：
SMTP error, RCPT TO: 550 User not found: gone@example.com
`,
    { 'gone@example.com': 550 },
  ],
  [
    'qmail in French',
    'qmail',
    { Subject: 'failure notice' },
    `Bonjour, ici le programme qmail-send de mx.example.net.
Je n'ai pas pu remettre votre message aux adresses suivantes.

<gone@example.com>:
550 5.1.1 boite inconnue

--- Ci-dessous une copie du message.

Return-Path: <bounces@sender.example>
To: decoy@example.com
`,
    { 'gone@example.com': '5.1.1' },
  ],
  [
    'a mail system in Polish whose words are unknown',
    'text',
    { Subject: 'x' },
    'Wiadomość nie została przekazana.\n\n<nikt@example.com>: 550 5.1.1 Nie ma takiego użytkownika\n',
    { 'nikt@example.com': '5.1.1' },
  ],
  [
    'several addresses in one sentence',
    'text',
    { Subject: 'Delivery failure' },
    'Your message could not be delivered to a@example.com, b@example.com and c@example.com.\n\nReason: 550 5.1.1 no\n',
    { 'a@example.com': '5.1.1', 'b@example.com': '5.1.1', 'c@example.com': '5.1.1' },
  ],
  [
    'a code at the end of the sentence',
    'text',
    { Subject: 'Delivery failure' },
    "Votre message n'a pas pu être remis à plein@example.com.\n\nLa boîte aux lettres est pleine (552 5.2.2).\n",
    { 'plein@example.com': '5.2.2' },
  ],
  [
    'a signature with another address',
    'text',
    { Subject: 'Delivery failure' },
    'Your message to gone@example.com was rejected: user unknown.\n\n-- \nPostmaster\nhelp@example.net\n',
    { 'gone@example.com': '5.0.0' },
  ],
]

describe('the bounce of', () => {
  it.each(rows)('%s', (_, format, headers, body, expected) => {
    const report = parseReport(textBounce(body, headers))
    expect(report).toMatchObject({ type: 'delivery-status', format })
    const recipients = report?.type === 'delivery-status' ? report.recipients : []
    const found = recipients.map(({ finalRecipient, status, replyCode }) => {
      return [finalRecipient, status ?? replyCode]
    })
    expect(Object.fromEntries(found)).toEqual(expected)
  })
})
