import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  joinReplyLines,
  parseEnhancedStatusCode,
  parseSmtpReply,
} from '../../src/feedback/status.ts'

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

test.each([
  ['550-5.7.1 one 550-5.7.1 two 550 5.7.1 three', '550 5.7.1 one two three'],
  ['550-5.7.1 one 550-5.7.1 550-5.7.1 two 550 5.7.1 three', '550 5.7.1 one two three'],
  ['550-5.7.1 one 550-two 550 three', '550 5.7.1 one two three'],
  ['550-one 550-two 550 three', '550 one two three'],
  ['host mx.example.com said: 552-one 552 two', 'host mx.example.com said: 552 one two'],
  ['550-one 550-1234 is our number 550 two', '550 one 550-1234 is our number two'],
  ['550-5.7.1 one of 550 users 550 5.7.1 two', '550 5.7.1 one of 550 users two'],
  ['550-one 550 two of 550 users', '550 one two of 550 users'],
  ['550-5.7.1 one 550 5.1.1 two', '550-5.7.1 one 550 5.1.1 two'],
  ['550-5.1.1 one 503-5.5.1 two', '550-5.1.1 one 503-5.5.1 two'],
  ['550 5.1.1 one said: 550 5.1.1 two', '550 5.1.1 one said: 550 5.1.1 two'],
  ['550-one', '550-one'],
  ['', ''],
])('%j is joined to %j', (text, joined) => {
  expect(joinReplyLines(text)).toBe(joined)
})

test('of a reply of many lines nothing is lost but its codes', () => {
  const words = fc.stringMatching(/^[a-z]{1,8}( [a-z]{1,8}){0,4}$/)
  const status = fc.constantFrom('', '5.7.1 ', '4.7.28 ')
  fc.assert(
    fc.property(fc.array(words, { minLength: 2 }), words, status, (lines, last, code) => {
      const reply = [...lines.map((line) => `550-${code}${line}`), `550 ${code}${last}`].join(' ')
      expect(joinReplyLines(reply)).toBe(`550 ${code}${[...lines, last].join(' ')}`)
    }),
  )
})
