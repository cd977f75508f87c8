import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { hearback } from '../support/daemon.ts'
import { createDataDirectory, removeDataDirectory } from '../support/data-directory.ts'

const folder = new URL('bad-config/', import.meta.url)

let dataDir: string

beforeAll(async () => {
  dataDir = await createDataDirectory()
})

afterAll(() => removeDataDirectory(dataDir))

/**
 * An environment as an operator writes it, and in lines that begin with `#!` what is said of it: no
 * more and no less. Lines that begin with `#` alone are remarks.
 */
for (const name of readdirSync(folder)) {
  test(`bad-config/${name} ends every command with its message`, async () => {
    const lines = readFileSync(new URL(name, folder), 'utf8').split('\n')
    const expected = lines.filter((line) => line.startsWith('#!')).map((line) => line.slice(2))
    const assignments = lines
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)])
    const env = { HEARBACK_DATA_DIR: dataDir, ...Object.fromEntries(assignments) }
    const said = ['hearback: the configuration is not usable:', ...expected, ''].join('\n')
    const [serve, config] = await Promise.all([
      hearback(['serve'], { env }),
      hearback(['config', '--json'], { env }),
    ])
    expect(serve).toEqual({ code: 78, signal: null, stdout: '', stderr: said })
    expect(config).toMatchObject({ code: 78, stderr: said })
    expect(
      JSON.parse(config.stdout).length,
      'the values in force are shown all the same',
    ).toBeGreaterThan(30)
  })
}
