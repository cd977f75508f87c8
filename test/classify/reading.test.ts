import { describe, expect, test } from 'vitest'
import { readDiagnosis, readReply } from '../../src/classify/reading.ts'
import { said } from './built-in-rules.ts'

describe('the text that rules see', () => {
  test.each([
    ['smtp; 550 5.1.1 <Some.One@Example.COM>... User Unknown', '550 5.1.1 @... user unknown'],
    ['550 5.4.1 [someone@example.com]: Access denied', '550 5.4.1 @: access denied'],
    ['550 No such user (someone@example.com)', '550 no such user @'],
    ['550 "user unknown"@example.com is full', '550 "user unknown@ is full'],
    ['550-5.7.1 one\r\n550-5.7.1 two\r\n550 5.7.1 three', '550 5.7.1 one two three'],
    ['550-one 550-two 550 three', '550 one two three'],
    ['host mx.full.example[192.0.2.9] said: 550 Sorry', '550 sorry'],
    ["5.1.0 - Unknown address error 550-'5.7.1 Sorry'", "550-'5.7.1 sorry'"],
    ['宛先someone@example.comは存在しません', '宛先@は存在しません'],
    ['ящик почта@пример.example не найден', 'ящик @ не найден'],
    ['ÉCHEC : boîte pleine', 'échec : boîte pleine'],
  ])('%j becomes %j', (diagnosticCode, text) => {
    expect(readDiagnosis(said(diagnosticCode)).text).toBe(text)
  })

  test('ends after 2 KiB', () => {
    expect(readDiagnosis(said(`${'x'.repeat(2048)} user unknown`)).text).toHaveLength(2048)
  })

  test('costs no more than its length, whatever it is made of', () => {
    for (const piece of ['@', '<', 'a@', '<a', '550 ', '550-5.1.1 ', 'x; ', 'host ']) {
      expect(readDiagnosis(said(piece.repeat(200_000))).text.length).toBeLessThanOrEqual(2048)
    }
  })
})

describe('the codes of a reply', () => {
  test.each([
    ['550 5.1.1 Sorry', 550, '5.1.1'],
    ['550-5.1.1 Sorry', 550, '5.1.1'],
    ['5.1.1 Sorry', null, '5.1.1'],
    ['550 #5.1.0 Address rejected', 550, '5.1.0'],
    ['Sorry, no mailbox here by that name. (#5.1.1)', null, '5.1.1'],
    ['550 [PH01] Sorry - 5.7.9', 550, '5.7.9'],
    [
      'SMTP error after RCPT TO:<a@example.com>: host mx.example [192.0.2.9]: 550 5.1.1 Sorry',
      550,
      '5.1.1',
    ],
    ['554 5.2.122 Sorry', 554, '5.2.122'],
    ['550 your address 192.5.1.1 is bad', 550, null],
    ['Sorry', null, null],
    ['', null, null],
  ])('of %j are %j and %j', (line, replyCode, status) => {
    expect(readReply(line)).toMatchObject({ replyCode, status })
  })
})

describe('the command that a reply names', () => {
  test.each([
    ['550 Sorry (in reply to RCPT TO command)', 'rcpt'],
    ['550 Sorry (in reply to end of DATA command)', 'data'],
    ['550 Sorry', null],
  ])('of %j is %j', (line, command) => {
    expect(readDiagnosis(readReply(line)).command).toBe(command)
  })
})
