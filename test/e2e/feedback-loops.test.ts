import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { hearback } from '../support/daemon.ts'

const folder = mkdtempSync(join(tmpdir(), 'hearback-loops-'))
afterAll(() => rmSync(folder, { recursive: true }))

test('with senders of feedback loops that are not well-formed nothing starts', async () => {
  const file = join(folder, 'loops.json')
  const sender = { name: 'Provider', from: ['fbl@provider.example'], dkimDomains: ['evil.example'] }
  writeFileSync(file, JSON.stringify({ about: 'ours', senders: [sender] }))
  const env = { HEARBACK_DATA_DIR: join(folder, 'data'), HEARBACK_FEEDBACK_LOOPS: file }
  const { code, stdout, stderr } = await hearback(['serve'], { env })
  expect({ code, stdout }).toEqual({ code: 78, stdout: '' })
  const problems = stderr.split('\n').filter((line) => line.includes(`${file}: Provider: `))
  expect(stderr).toMatch(/^hearback: the configuration is not usable:\n/)
  expect(problems.join('\n')).toContain('name: must be lower-case words')
  expect(problems.length).toBeGreaterThanOrEqual(3)
})
