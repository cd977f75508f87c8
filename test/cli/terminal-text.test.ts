import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { terminalJson, terminalLines, terminalText } from '../../src/cli/terminal-text.ts'

/** C0 and C1 controls, marks that turn the direction, separators, lone surrogates. */
const dangerous = /[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029\p{Cs}]/u

describe('what strangers wrote cannot steer a terminal', () => {
  test.each([
    ['\x1b[2J\x1b[1;1H', '\\u{1b}[2J\\u{1b}[1;1H'],
    ['\x9b31m', '\\u{9b}31m'],
    ['\x1b]52;c;cm0gLXJmIH4=\x07', '\\u{1b}]52;c;cm0gLXJmIH4=\\u{7}'],
    ['a\rb\nc', 'a\\u{d}b\\u{a}c'],
    ['txt.\u202egpj', 'txt.\\u{202e}gpj'],
    ['\ud800', '\\u{d800}'],
    ['Grüße, 日本, 🎉', 'Grüße, 日本, 🎉'],
  ])('%j', (text, expected) => {
    expect(terminalText(text)).toBe(expected)
  })

  test('line breaks and tabs of a text are kept as such', () => {
    expect(terminalLines('a\r\n\tb\x1b\n')).toBe('a\n    b\\u{1b}\n')
  })

  test('any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(terminalText(text)).not.toMatch(dangerous)
        expect(terminalLines(text).replaceAll('\n', '')).not.toMatch(dangerous)
      }),
    )
  })

  test('any JSON, which means the same as before', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string({ unit: 'binary' }), (value, text) => {
        const json = terminalJson({ value, [text]: text })
        expect(json).not.toMatch(dangerous)
        expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify({ value, [text]: text })))
      }),
    )
  })
})
