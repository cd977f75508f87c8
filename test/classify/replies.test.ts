import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { classify } from '../../src/classify/classify.ts'
import { builtInRules, said } from './built-in-rules.ts'

/** Lines of class, tab, reply: what providers document, and the traps between the classes. */
const replies = readFileSync(join(import.meta.dirname, 'replies.tsv'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => line.split('\t'))

describe('a reply means', () => {
  test.each(replies)('%s: %s', (bounceClass, reply = '') => {
    expect(classify(builtInRules, said(reply))).toMatchObject({ bounceClass })
  })
})
