import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { hearback } from '../support/daemon.ts'
import { createTestDatabase } from '../support/database.ts'
import { complaintOf, useCommandLine } from './hearback.ts'

const line = useCommandLine()
const packageFile = new URL('../../package.json', import.meta.url)

test('the version is that of the package', async () => {
  const { version } = JSON.parse(readFileSync(packageFile, 'utf8'))
  expect(await line.run('--version')).toBe(`${version}\n`)
})

test('help names every command', async () => {
  const said = await line.run('--help')
  for (const name of ['serve', 'demo', 'migrate', 'config', 'parse', 'classify', 'tenant', 'key']) {
    expect(said).toMatch(new RegExp(`^ {2}${name} `, 'm'))
  }
})

test.each([
  [['sevre'], "unknown command 'sevre'"],
  [['tenant', 'remove'], "unknown command 'remove'"],
  [['--port', '25'], "unknown option '--port'"],
  [['config', 'all'], "too many arguments for 'config'. Expected 0 arguments but got 1."],
])('%j is refused', async (args, said) => {
  const { code, stdout, stderr } = await hearback(args, { env: line.env })
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toContain(said)
  expect(stderr).not.toMatch(/^ +at /m)
})

test('config shows where every value comes from, and no secret', async () => {
  const shown = await line.run('config')
  expect(shown).toMatch(/^DATABASE_URL +\*{8} +environment +PostgreSQL to use/m)
  expect(shown).toMatch(/^HEARBACK_DATA_DIR +\.\/data +default /m)
  const variables = await line.json<{ name: string }[]>('config')
  expect(variables.map(({ name }) => name)).toContain('HEARBACK_BOOTSTRAP_DOMAIN')
  expect(JSON.stringify(variables) + shown).not.toContain(line.env['HEARBACK_SECRET'])
})

test('config warns of what it does not know', async () => {
  const { code, stderr } = await hearback(['config'], { env: { HEARBACK_SMPT_PORT: '25' } })
  expect({ code, stderr }).toEqual({
    code: 0,
    stderr: 'warning: HEARBACK_SMPT_PORT is not a variable of hearback; see `hearback config`\n',
  })
})

test('migrate makes the tables once', async () => {
  const empty = await createTestDatabase({ migrated: false })
  const env = { ...line.env, DATABASE_URL: empty.url }
  const [first, second, third] = await Promise.all(
    [1, 2, 3].map(() => hearback(['migrate', '--json'], { env })),
  )
  const applied = [first, second, third].map((one) => JSON.parse(one?.stdout ?? '').applied.length)
  expect(applied.filter((count) => count > 0)).toHaveLength(1)
  expect(await line.run('migrate')).toBe('nothing to do\n')
  await empty.drop()
})

test.each([
  ['nobody listens', 'postgres://hearback@127.0.0.1:1/x', /ECONNREFUSED/],
  ['there is no such host', 'postgres://hearback@db.invalid/x', /ENOTFOUND|EAI_AGAIN/],
])('a database that cannot be reached is one line (%s)', async (_, url, cause) => {
  const env = { ...line.env, DATABASE_URL: url }
  for (const command of [['migrate'], ['serve'], ['tenant', 'ls']]) {
    const said = complaintOf(await hearback(command, { env }))
    expect(said).toMatch(/^hearback: the PostgreSQL of DATABASE_URL cannot be used: /)
    expect(said).toMatch(cause)
  }
})

test('a database that is not there is one line', async () => {
  const env = { ...line.env, DATABASE_URL: `${line.env['DATABASE_URL']}_not` }
  const said = complaintOf(await hearback(['tenant', 'ls'], { env }))
  expect(said).toMatch(/cannot be used: database "test_\w+_not" does not exist$/)
})
