import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RunningDaemon, startDaemon } from '../support/daemon.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { apiKey, get, secret } from './api.ts'

/** The customer's own pages; not part of the repository. */
const seeds = resolve(import.meta.dirname, '../../../shared/seeds')
const host = /https:\/\/[a-z0-9.-]+(?=\/v3\b|")/g
const run = promisify(execFile)

const pages = existsSync(seeds)
  ? readdirSync(seeds).map((name) => readFileSync(join(seeds, name), 'utf8'))
  : []

function snippets(language: string): string[] {
  const fences = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm')
  return pages.flatMap((page) => [...page.matchAll(fences)].map(([, code = '']) => code))
}

/** The names of the variables in which the pages keep the key. */
function keyVariables(): string[] {
  return pages.flatMap((page) => page.match(/\b[A-Z]+_API_KEY\b/g) ?? [])
}

async function has(program: string, args: readonly string[]): Promise<boolean> {
  return run(program, args).then(
    () => true,
    () => false,
  )
}

const python = '/usr/bin/python3'
const hasPython = await has(python, ['-c', 'import httpx'])

describe.skipIf(pages.length === 0)('the snippets of the customer’s pages', () => {
  let database: TestDatabase
  let daemon: RunningDaemon
  let folder: string
  let url: string
  let env: Record<string, string>

  beforeAll(async () => {
    database = await createTestDatabase()
    daemon = await startDaemon({
      DATABASE_URL: database.url,
      HEARBACK_SECRET: secret,
      HEARBACK_BOOTSTRAP_TENANT: 'acme',
      HEARBACK_BOOTSTRAP_API_KEY: apiKey,
    })
    url = `http://${daemon.http.host}:${daemon.http.port}`
    const keys = Object.fromEntries(keyVariables().map((name) => [name, apiKey]))
    env = { PATH: process.env['PATH'] ?? '', ...keys }
    folder = await mkdtemp(join(tmpdir(), 'hearback-snippets-'))
    await database.sql`
      insert into suppression_group (tenant_id, group_id, name)
      values (1, 123, 'Weekly'), (1, 124, 'Offers')`
    await post('/v3/suppression/spam_reports', { email: 'abuser@example.com' })
    await post('/v3/asm/suppressions/global', { recipient_emails: ['user@example.com'] })
    await writeFile(
      join(folder, 'bounces.csv'),
      'email,reason\nold@example.com,gone\nnot-an-email,\n',
    )
    await writeFile(
      join(folder, 'sendgrid-bounces.csv'),
      'email\nsg1@example.com\nsg2@example.com\n',
    )
    const rows = ['bounce,b@example.com', 'spam,s@example.com', 'unsubscribe,u@example.com']
    await writeFile(join(folder, 'sendgrid-export.csv'), ['type,email', ...rows].join('\n'))
  })

  /** What the page asks for before it shows how to add it. */
  async function post(path: string, body: object): Promise<void> {
    const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' }
    await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) })
  }

  afterAll(async () => {
    await daemon.stop()
    await database.drop()
    await rm(folder, { recursive: true })
  })

  test('in the shell: every call succeeds', async () => {
    const codes = snippets('bash').map((code) => code.replaceAll(host, url))
    expect(codes).toHaveLength(15)
    const strict = 'set -e; curl() { command curl -sS --fail-with-body "$@"; echo; }\n'
    for (const code of codes) {
      await run('bash', ['-c', strict + code], { cwd: folder, env })
      // The page goes on with the group after it has shown how to delete it.
      await database.sql`update suppression_group set deleted_at = null where group_id = 123`
    }
    const { body } = await get<{ bounces: { email: string }[] }>(daemon, '/v3/suppression/bounces')
    const emails = body.bounces.map(({ email }) => email).sort()
    expect(emails).toEqual(['sg1@example.com', 'sg2@example.com'])
    const group = await get(daemon, '/v3/asm/groups/123')
    expect(group.body).toMatchObject({ description: 'Updated description', unsubscribes: 1 })
  })

  test('in TypeScript', async () => {
    const codes = snippets('typescript').map((code) => code.replaceAll(host, url))
    expect(codes).toHaveLength(1)
    for (const code of codes) {
      const file = join(folder, 'snippet.mjs')
      await writeFile(file, `${code}\nconsole.log(JSON.stringify(bounces))`)
      const { stdout } = await run(process.execPath, [file], { cwd: folder, env })
      expect(JSON.parse(stdout)).toEqual(expect.any(Array))
    }
  })

  test.skipIf(!hasPython)('in Python with httpx, the CSV recipe included', async () => {
    const codes = snippets('python').map((code) => code.replaceAll(host, url))
    expect(codes).toHaveLength(3)
    for (const code of codes) await run(python, ['-c', code], { cwd: folder, env })
    const paths = ['spam_reports/s@example.com', 'bounces/b@example.com']
    for (const path of paths) {
      expect((await get(daemon, `/v3/suppression/${path}`)).status).toBe(200)
    }
    expect((await get(daemon, '/v3/asm/suppressions/global/u@example.com')).status).toBe(200)
  })
})
