import { RE2JS } from 're2js'
import { describe, expect, test } from 'vitest'
import { compilePattern } from '../../src/classify/pattern.ts'
import { readDiagnosis } from '../../src/classify/reading.ts'
import { builtInRules, said } from './built-in-rules.ts'

/*
 * The syntax has no unbounded repetition, so V8 cannot backtrack without end: compilePattern caps
 * the ways in which a pattern can be walked from one position. These tests hold the cap, and that
 * the built-in patterns mean the same to a matcher that does not backtrack at all.
 */
describe('a pattern of the built-in rules', () => {
  test.each([
    ['user.*unknown', 'only ? and {m,n} repeat'],
    ['user +unknown', 'only ? and {m,n} repeat'],
    ['(?:a|b)+', 'only ? and {m,n} repeat'],
    ['a{2,}', 'only ? and {m,n} repeat'],
    ['(?:ab){0,9}', 'only single characters'],
    ['(?:a{0,9}){0,9}', 'only single characters'],
    ['a.{0,999}b', 'more than 100 times'],
    ['a.{0,50}b.{0,50}c.{0,50}d', 'ways'],
    ['\\w{0,60}\\w{0,60}\\w{0,60}', 'ways'],
    ['(user) unknown', 'not (?:…)'],
    ['(?=user) unknown', 'not (?:…)'],
    ['(?<!no) user', 'not (?:…)'],
    ['(?:user|alias', 'without end'],
    ['user) unknown', 'too many'],
    ['(?:a)\\1', 'does not allow \\1'],
    ['\\p', 'does not allow'],
    ['[', 'character class'],
    ['User unknown', 'lower-case'],
  ])('must not be %s', (source, complaint) => {
    expect(() => compilePattern(source)).toThrow(complaint)
  })

  test.each([
    ['user unknown', ['user unknown']],
    ['(?:user|alias) unknown', ['user', 'alias'].length ? [' unknown'] : []],
    ['\\b(?:spf|dkim)\\b', ['spf', 'dkim']],
    ['mailbox.{0,40}(?:full|overdrawn)', ['mailbox']],
    ['a?b?', []],
    ['x(?:yz)?', ['x']],
    ['5\\.1\\.1', ['5.1.1']],
  ])('%s needs one of %j', (source, literals) => {
    expect(compilePattern(source).literals).toEqual(literals)
  })
})

const { rules, patterns, candidates } = builtInRules.texts
const texts = rules.map((rule) => readDiagnosis(said(rule.example)).text)

test('every built-in pattern is found by the index wherever it matches', () => {
  for (const text of texts) {
    const matching = patterns.flatMap(({ expression }, i) => (expression.test(text) ? [i] : []))
    expect(candidates(text)).toEqual(expect.arrayContaining(matching))
  }
})

test('every built-in pattern means the same to RE2', () => {
  for (const [position, rule] of rules.entries()) {
    const compiled = RE2JS.compile(rule.text ?? '')
    const expression = patterns[position]?.expression
    for (const text of texts) expect(compiled.matcher(text).find()).toBe(expression?.test(text))
  }
})

test('nearly every built-in pattern has a literal to look for', () => {
  expect(patterns.filter(({ literals }) => literals.length === 0)).toEqual([])
})
