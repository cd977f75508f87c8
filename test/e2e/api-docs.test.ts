import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RunningDaemon, startDaemon } from '../support/daemon.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { apiKey, secret } from './api.ts'

const run = promisify(execFile)

let database: TestDatabase
let daemon: RunningDaemon
let folder: string
let page: string

beforeAll(async () => {
  database = await createTestDatabase()
  daemon = await startDaemon({
    DATABASE_URL: database.url,
    HEARBACK_SECRET: secret,
    HEARBACK_BOOTSTRAP_TENANT: 'acme',
    HEARBACK_BOOTSTRAP_API_KEY: apiKey,
  })
  folder = await mkdtemp(join(tmpdir(), 'hearback-docs-'))
  page = await readFile(resolve(import.meta.dirname, '../../docs/api.md'), 'utf8')
})

afterAll(async () => {
  await daemon.stop()
  await database.drop()
  await rm(folder, { recursive: true })
})

const origin = ({ host, port }: { host: string; port: number }) => `http://${host}:${port}`

describe('docs/api.md', () => {
  test('every example succeeds, from top to bottom', async () => {
    const blocks = [...page.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, code = '']) => code)
    const script = [
      'set -euo pipefail',
      'curl() { command curl -sS --fail-with-body "$@" || { echo "FAILED: $*" >&2; exit 1; }; echo; }',
      ...blocks.map((code) => code.replace(/^export (?:HEARBACK|KEY)=.*$/gm, '')),
    ].join('\n')
    const env = {
      PATH: process.env['PATH'] ?? '',
      HEARBACK: origin(daemon.http),
      KEY: apiKey,
    }
    const admin = script.replaceAll('http://127.0.0.1:9025', origin(daemon.admin))
    await run('bash', ['-c', admin], { cwd: folder, env, maxBuffer: 64 * 1024 * 1024 })
  })

  test('has an example for every call of the API', async () => {
    const response = await fetch(`${origin(daemon.http)}/openapi.json`)
    const { paths } = (await response.json()) as { paths: Record<string, object> }
    const examples = page
      .replaceAll('\\\n', ' ')
      .split('\n')
      .filter((line) => /\bcurl\b/.test(line))
    const missing = Object.entries(paths).flatMap(([template, operations]) => {
      const pattern = `\\$HEARBACK${template.replace(/\{\w+\}/g, '[^/?" ]+')}(?=[?" ]|$)`
      const about = examples.filter((line) => new RegExp(pattern).test(line))
      return Object.keys(operations)
        .filter((method) => !about.some((line) => methodOf(line) === method))
        .map((method) => `${method.toUpperCase()} ${template}`)
    })
    expect(missing).toEqual([])
  })
})

function methodOf(curl: string): string {
  const named = /-X (\w+)/.exec(curl)?.[1]
  if (named) return named.toLowerCase()
  return / (?:-d|--data(?:-binary)?|-F|-T) /.test(curl) ? 'post' : 'get'
}
