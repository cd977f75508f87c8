import { expect, test } from 'vitest'
import { answeredCommand } from '../../src/feedback/smtp-command.ts'

test.each([
  ['host mx.example.com said: 550 no (in reply to RCPT TO command)', 'rcpt'],
  ['550 no (in reply\n    to end of\n    DATA command)', 'data'],
  ['550 no (in reply to DATA command)', 'data'],
  ['550 no (in reply to MAIL FROM command)', 'mail'],
  ['550 no (in reply to EHLO command)', 'helo'],
  ['SMTP error from remote mail server after RCPT TO:<a@example.com>:\n  550 no', 'rcpt'],
  ['SMTP error from remote mail server after pipelined MAIL FROM:<a@example.com>: 550', 'mail'],
  ['SMTP error from remote mail server after end of data: 550 no', 'data'],
  ['SMTP error from remote mail server after initial connection: 554 no', 'connect'],
  ['SMTP error from remote server for TEXT command, host: mx.example.com', 'data'],
  ['mx.example.com [192.0.2.7] did not like our final DATA:\n554 no', 'data'],
  ['192.0.2.7 does not like recipient.\nRemote host said: 550 no', 'rcpt'],
  ['192.0.2.7 failed after I sent the message.\nRemote host said: 550 no', 'data'],
  ['Remote host said:\n550 no\n[RCPT_TO]', 'rcpt'],
  ['550 try again after data has been checked', null],
  ['550 in reply to your mail: no', null],
  ['550 5.1.1 User unknown', null],
  ['', null],
])('%j answers %j', (words, command) => {
  expect(answeredCommand(words)).toBe(command)
})

test('costs no more than the length of the text, whatever it is made of', () => {
  for (const piece of ['in reply to ', 'after ', 'in ', ' ', 'after pipelined ', '[RCPT_TO ']) {
    expect(answeredCommand(piece.repeat(100_000))).toBe(null)
  }
})
