import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { progressLine } from '../../src/cli/import-progress.ts'
import { hearback } from '../support/daemon.ts'
import { useCommandLine } from './hearback.ts'

const line = useCommandLine()
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hearback-import-'))
  await line.run('tenant', 'add', 'shop')
  await line.run('tenant', 'add', 'other')
})
afterAll(() => rm(folder, { recursive: true }))

async function file(name: string, content: string | Buffer): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, content)
  return path
}

async function listed(): Promise<unknown[][]> {
  const rows = await line.database.sql`
    select address, list, bounce_class from suppression
    join tenant using (tenant_id) where name = 'shop' order by address`
  return rows.map((row) => Object.values(row))
}

describe('hearback import', () => {
  const mixed =
    'type,email\nbounce,a@example.com\nspam,b@example.com\nunsubscribe,c@example.com\n,d@example.com\n'

  test('a file that says in each row where it belongs; first only what would be', async () => {
    const path = await file('mixed.csv', mixed)
    const said = [
      'would import 3, skipped 0, errors 1',
      'LINE  EMAIL          ERROR',
      '5     d@example.com  Unknown type ""',
      '',
    ]
    expect(await line.run('import', path, '--tenant', 'shop', '--dry-run')).toBe(said.join('\n'))
    expect(await listed()).toEqual([])
    expect(await line.run('import', path, '--tenant', 'shop')).toBe(
      said.join('\n').replace('would import', 'imported'),
    )
    expect(await listed()).toEqual([
      ['a@example.com', 'bounces', 'hard'],
      ['b@example.com', 'spam_reports', null],
      ['c@example.com', 'global_unsubscribes', null],
    ])
    const again = await line.json('import', path, '--tenant', 'shop', '--dry-run')
    expect(again).toEqual({
      format: 'plain',
      rows: 4,
      imported: 0,
      skipped: 3,
      error_count: 1,
      errors: [{ row: 5, email: 'd@example.com', error: 'Unknown type ""' }],
      dry_run: true,
    })
  })

  test('what a provider has packed, from standard input', async () => {
    const csv = 'ip,email,created\n192.0.2.1,x@example.com,1714060800\n'
    const { stdout, stderr } = await hearback(['import', '-', '--tenant', 'other'], {
      env: line.env,
      input: gzipSync(csv),
    })
    expect({ stdout, stderr }).toEqual({
      stdout: 'imported 1, skipped 0, errors 0 (sendgrid export)\n',
      stderr: '',
    })
  })

  test('the operator is in the audit trail, with a reason', async () => {
    const path = await file('one.csv', 'y@example.com')
    const options = ['--tenant', 'other', '--list', 'bounces', '--bounce-type', 'soft']
    await line.run('import', path, ...options, '--reason', 'moving house')
    const [row] = await line.database.sql`
      select actor_kind, list, entries, reason from audit_entry
      order by happened_at desc limit 1`
    expect(row).toEqual({
      actorKind: 'command',
      list: 'bounces',
      entries: 1,
      reason: 'moving house',
    })
  })

  test('what cannot be done is told in a line', async () => {
    const path = await file('plain.csv', 'email\nz@example.com')
    const complaint = (...args: string[]) => line.complaint('import', ...args)
    expect(await complaint(path, '--tenant', 'shop')).toContain('say which list it is: --list')
    expect(await complaint(path, '--tenant', 'nobody', '--list', 'bounces')).toContain('no tenant')
    const group = ['--list', 'group_unsubscribes']
    expect(await complaint(path, '--tenant', 'shop', ...group)).toContain('--group')
    expect(await complaint(path, '--tenant', 'shop', ...group, '--group', '7')).toContain(
      'no group 7',
    )
    expect(await complaint(join(folder, 'none'), '--tenant', 'shop')).toContain('cannot read')
    const empty = await file('empty.csv', '')
    expect(await complaint(empty, '--tenant', 'shop')).toContain('The file is empty')
    const cut = await file('cut.gz', gzipSync(mixed.repeat(100)).subarray(0, 60))
    expect(await complaint(cut, '--tenant', 'shop', '--list', 'bounces')).toContain('cannot read')
  })
})

describe('hearback export', () => {
  test('to standard output or a file, from which it can be imported', async () => {
    const options = ['--tenant', 'shop', '--list', 'bounces']
    const text = await line.run('export', ...options)
    expect(text).toMatch(/^email,created,reason,bounce_type,status,list\r\na@example.com,\d+,/)
    const path = join(folder, 'bounces.csv')
    expect(await line.run('export', ...options, '--output', path)).toBe('')
    expect(await readFile(path, 'utf8')).toBe(text)
    expect((await readdir(folder)).filter((name) => name.endsWith('.part'))).toEqual([])
    expect(await line.run('import', path, '--tenant', 'other')).toBe(
      'imported 1, skipped 0, errors 0 (hearback export)\n',
    )
    const records = await line.run('export', ...options, '--format', 'ndjson')
    expect(JSON.parse(records)).toMatchObject({ email: 'a@example.com', bounce_type: 'hard' })
  })

  test('what cannot be done is told in a line', async () => {
    const complaint = (...args: string[]) => line.complaint('export', '--tenant', 'shop', ...args)
    expect(await complaint('--list', 'bounces', '--group', '1')).toContain('--group')
    expect(await complaint('--list', 'group_unsubscribes', '--group', '1')).toContain('no group 1')
    const nowhere = join(folder, 'no', 'such', 'folder.csv')
    expect(await complaint('--list', 'bounces', '--output', nowhere)).toContain('cannot write')
  })
})

test('on a terminal it is told how far it is', () => {
  const counts = { rows: 1_234_567, imported: 1, skipped: 0, errorCount: 8 }
  expect(progressLine(counts, { seconds: 10, done: 0.5 })).toBe(
    '[############            ] 50 %  1,234,567 rows  123,457/s  8 errors',
  )
  expect(progressLine(counts, { seconds: 10, done: null })).toBe(
    '1,234,567 rows  123,457/s  8 errors',
  )
})
