import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { secretInForce } from '../../src/cli/secret.ts'
import { ConfigError } from '../../src/config.ts'

function emptyFolder(): string {
  const dataDir = mkdtempSync(join(tmpdir(), 'hearback-secret-'))
  onTestFinished(() => rmSync(dataDir, { recursive: true }))
  return dataDir
}

test('a secret is made once, and for nobody else to read', () => {
  const dataDir = emptyFolder()
  const made = secretInForce({ secret: null, dataDir })
  expect(Buffer.from(made, 'base64')).toHaveLength(32)
  expect(secretInForce({ secret: null, dataDir })).toBe(made)
  expect(readFileSync(join(dataDir, 'secret'), 'utf8')).toBe(`${made}\n`)
  expect(statSync(join(dataDir, 'secret')).mode & 0o777).toBe(0o600)
})

test.each(['', '\n', 'fifteen letters\n'])('a file that holds %j is no secret', (text) => {
  const dataDir = emptyFolder()
  const file = join(dataDir, 'secret')
  writeFileSync(file, text)
  const use = () => secretInForce({ secret: null, dataDir })
  expect(use).toThrow(ConfigError)
  expect(use).toThrow(`the file ${file} holds no secret of 16 characters or more; put the one of`)
  expect(readFileSync(file, 'utf8'), 'and stays as it is').toBe(text)
})

test('HEARBACK_SECRET comes before the file', () => {
  const dataDir = emptyFolder()
  writeFileSync(join(dataDir, 'secret'), '')
  expect(secretInForce({ secret: 'the one that was given', dataDir })).toBe(
    'the one that was given',
  )
})
