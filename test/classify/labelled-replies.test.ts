import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { classify } from '../../src/classify/classify.ts'
import { builtInRules, said } from './built-in-rules.ts'

/** Replies of real servers with classes assigned by hand; not part of the repository. */
const table = resolve(import.meta.dirname, '../../../shared/corpus/REPLIES.tsv')

describe.skipIf(!existsSync(table))('labelled replies of real servers', () => {
  test('are classified well enough', () => {
    const rows = readLabelled()
    const answers = rows.map(({ text, label }) => {
      const { bounceClass } = classify(builtInRules, said(text))
      return { bounceClass, label }
    })
    const right = answers.filter(({ bounceClass, label }) => bounceClass === label)
    const hard = answers.filter(({ bounceClass }) => bounceClass === 'hard')
    const rightlyHard = hard.filter(({ label }) => label === 'hard')
    expect(right.length / answers.length).toBeGreaterThanOrEqual(0.94)
    expect(rightlyHard.length / hard.length).toBeGreaterThanOrEqual(0.97)
  })
})

function readLabelled() {
  const [header = '', ...lines] = readFileSync(table, 'utf8').trimEnd().split('\n')
  const columns = header.split('\t')
  return lines
    .map((line) => line.split('\t'))
    .map((cells) => ({
      label: cells[columns.indexOf('class')] ?? '',
      text: cells[columns.indexOf('text')] ?? '',
    }))
    .filter(({ label }) => ['hard', 'soft', 'block'].includes(label))
}
