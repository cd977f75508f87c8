import { describe, expect, test } from 'vitest'
import { parseReport } from '../../src/parse/report.ts'
import { deliveryReport, textBounce } from './message-text.ts'

/** Each recipient with the command that was answered about it. */
function commandsIn(raw: Buffer) {
  const report = parseReport(raw)
  const recipients = report?.type === 'delivery-status' ? report.recipients : []
  return recipients.map(({ finalRecipient, smtpCommand }) => [finalRecipient, smtpCommand])
}

/** A report that gives the same reply for all of them. */
function reportOf(human: string, ...recipients: string[]): Buffer {
  const groups = recipients.map(
    (address) =>
      `Final-Recipient: rfc822; ${address}\nAction: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 Sorry\n`,
  )
  return deliveryReport(['Reporting-MTA: dns; mx.example.net\n', ...groups].join('\n'), human)
}

describe('the command that was answered is found in', () => {
  test("each recipient's own paragraph beside a report", () => {
    const human = `<a@example.com>: host mx.example.com[192.0.2.7] said: 550 Sorry (in reply to end of DATA
    command)

<b@example.com> (expanded from <alias@example.net>): host mx.example.com[192.0.2.7] said: 550 Sorry (in
    reply to RCPT TO command)

<c@example.com>: lost connection with mx.example.com
`
    expect(commandsIn(reportOf(human, 'a@example.com', 'b@example.com', 'c@example.com'))).toEqual([
      ['a@example.com', 'data'],
      ['b@example.com', 'rcpt'],
      ['c@example.com', null],
    ])
    expect(commandsIn(reportOf(human, 'b@example.com'))).toEqual([['b@example.com', 'rcpt']])
  })

  test('the Diagnostic-Code itself, which beats the text', () => {
    const raw = deliveryReport(
      'Final-Recipient: rfc822; a@example.com\nAction: failed\nDiagnostic-Code: smtp; 550 Sorry (in reply to end of DATA command)\n',
      '<a@example.com>: 550 Sorry (in reply to RCPT TO command)',
    )
    expect(commandsIn(raw)).toEqual([['a@example.com', 'data']])
  })

  test('a text bounce, whose diagnosis stays what the server said', () => {
    const raw = textBounce(`A message that you sent could not be delivered:

  a@example.com
    host mx.example.com [192.0.2.7]
    SMTP error from remote mail server after end of data:
    550 Sorry
  b@example.com
    host mx.example.com [192.0.2.7]
    SMTP error from remote mail server after RCPT TO:<b@example.com>:
    550 Sorry
`)
    expect(commandsIn(raw)).toEqual([
      ['a@example.com', 'data'],
      ['b@example.com', 'rcpt'],
    ])
    expect(parseReport(raw)).toMatchObject({ recipients: [{ diagnosticCode: '550 Sorry' }, {}] })
  })
})

describe('in a printed session', () => {
  const opening = `   ----- The following addresses had permanent fatal errors -----
<a@example.com>
    (reason: 550 Sorry)

   ----- Transcript of session follows -----
... while talking to mx.example.com.:
`
  const commandIn = (session: string) => {
    const [[, inReport] = []] = commandsIn(reportOf(opening + session, 'a@example.com'))
    const [[, inText] = []] = commandsIn(textBounce(opening + session))
    expect(inText).toBe(inReport)
    return inReport
  }

  test('it is the line of the client above the reply', () => {
    expect(commandIn('>>> RCPT To:<a@example.com>\n<<< 550 Sorry\n')).toBe('rcpt')
    expect(commandIn('>>> MAIL From:<s@sender.example>\n<<< 550 Sorry\n')).toBe('mail')
    expect(commandIn('>>> DATA\n<<< 550 Sorry\n554 5.0.0 Service unavailable\n')).toBe('data')
    expect(commandIn('>>> DATA\n<<< 550-So\n<<< 550 Sorry\n')).toBe('data')
  })

  test('it is the greeting before the client has said anything', () => {
    expect(commandIn('<<< 550 Sorry\n>>> QUIT\n<<< 221 Bye\n')).toBe('connect')
  })

  test('it is RCPT, sent along with DATA, when another reply follows', () => {
    expect(commandIn('>>> DATA\n<<< 550 Sorry\n<<< 503 Need RCPT\n')).toBe('rcpt')
    expect(commandIn('>>> DATA\n<<< 550 Sorry\n554 5.0.0 Oh\n<<< 554 No\n')).toBe('rcpt')
  })

  test('it is RCPT, sent along with DATA, when sendmail names the recipient below', () => {
    const session = '>>> DATA\n<<< 550 Sorry\n550 5.1.1 <a@example.com>... User unknown\n'
    expect(commandIn(session)).toBe('rcpt')
  })
})
