import { expect, test } from 'vitest'
import { parseEnhancedStatusCode, parseSmtpReply } from '../../src/feedback/status.ts'

test.each([
  ['550 5.1.1 User unknown', 550, '5.1.1'],
  ['550-5.1.1 User unknown', 550, '5.1.1'],
  ['5.1.1 User unknown', null, '5.1.1'],
  ['421 4.7.028 too fast', 421, '4.7.28'],
  ['550 #5.1.0 Address rejected.', 550, '5.1.0'],
  ['550 User unknown', 550, null],
  ['552', 552, null],
  ['User unknown', null, null],
  ['550.1 is no reply code', null, null],
  ['5.1.1.2 is an address', null, null],
])('%s', (text, replyCode, status) => {
  expect(parseSmtpReply(text)).toEqual({ replyCode, status, text })
})

test('a code is nothing but a code', () => {
  expect(parseEnhancedStatusCode('5.2.2')).toBe('5.2.2')
  expect(parseEnhancedStatusCode('5.2.2 (full)')).toBeNull()
  expect(parseEnhancedStatusCode('3.1.1')).toBeNull()
})
