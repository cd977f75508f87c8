import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const corpus = join(root, '..', 'shared', 'corpus')

/** Per cent of real messages that must be read right, for what depends on reading alone. */
const least: Readonly<Record<string, number>> = {
  'dsn: a recipient found': 98,
  'dsn: recipients right': 99,
  'dsn: recipients right, several in one report': 100,
  'dsn: status exact': 90,
  'dsn: class digit 4/5': 97,
  'dsn: action': 99,
  'dsn: delayed never failed': 100,
  'arf: seen as feedback-report': 94,
  'arf: recipient right': 97,
}

describe.skipIf(!existsSync(corpus))(`real messages (${corpus})`, () => {
  it('are read as well as was reached once', () => {
    const folder = mkdtempSync(join(tmpdir(), 'hearback-corpus-'))
    try {
      const command = [join(root, 'dist/main.js'), 'parse', '--json', join(corpus, 'open')]
      const output = join(folder, 'out.ndjson')
      const maxBuffer = 64 * 1024 * 1024
      writeFileSync(output, execFileSync(process.execPath, command, { maxBuffer }))
      const score = execFileSync(join(corpus, 'score.py'), [output, '--json'], { encoding: 'utf8' })
      const figures = JSON.parse(score)
      for (const [name, percent] of Object.entries(least)) {
        expect(figures[name].pct, name).toBeGreaterThanOrEqual(percent)
      }
      expect(figures['not a bounce: false positives'].ok).toBe(0)
      expect(figures['files without output'].ok).toBe(0)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
