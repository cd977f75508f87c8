import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { MigrationError, migrate } from '../../src/db/migrate.ts'
import { connect } from '../../src/db/sql.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

let database: TestDatabase
let directory: string

beforeEach(async () => {
  database = await createTestDatabase({ migrated: false })
  directory = await mkdtemp(join(tmpdir(), 'migrations-'))
  await write('0001-fruit.sql', 'create table fruit (name text); create table tree (age int);')
  await write('0002-apple.sql', `insert into fruit values ('apple');`)
})

afterEach(async () => {
  await database.drop()
  await rm(directory, { recursive: true })
})

test('our own migrations make an empty database ready, once', async () => {
  const names = await migrate(database.sql)
  expect(names[0]).toBe('0001-initial.sql')
  expect(await migrate(database.sql)).toEqual([])
})

test('files are applied in order, and only those that the database does not have', async () => {
  expect(await migrate(database.sql, directory)).toEqual(['0001-fruit.sql', '0002-apple.sql'])
  await write('0003-pear.sql', `insert into fruit values ('pear');`)
  expect(await migrate(database.sql, directory)).toEqual(['0003-pear.sql'])
  expect(await fruit()).toEqual(['apple', 'pear'])
  const rows = await database.sql`select name, hash, applied_at from migration order by name`
  expect(rows.map((row) => row['name'])).toEqual(await appliedNames())
  expect(rows[2]).toMatchObject({ hash: expect.stringMatching(/^[0-9a-f]{64}$/) })
  expect(rows[2]?.['appliedAt']).toBeInstanceOf(Date)
})

test('three starters at once: one works, and all find the database ready', async () => {
  await write('0003-index.sql', '-- no transaction\ncreate index concurrently on fruit (name);')
  const pools = [1, 2, 3].map(() => connect(database.target, { maxConnections: 1 }))
  const applied = await Promise.all(pools.map((pool) => migrate(pool, directory)))
  await Promise.all(pools.map((pool) => pool.end()))
  expect(applied.map((names) => names.length).sort()).toEqual([0, 0, 3])
  expect(await fruit()).toEqual(['apple'])
})

test('an index that was left unfinished by a start before is made anew', async () => {
  await migrate(database.sql, directory)
  await database.sql`insert into fruit values ('apple')`
  const unfinished = database.sql`create unique index concurrently fruit_name on fruit (name)`
  await expect(unfinished).rejects.toThrow('could not create unique index')
  const file =
    '-- no transaction\ncreate index concurrently if not exists fruit_name on fruit (name);'
  await write('0003-index.sql', file)
  await migrate(database.sql, directory)
  const [index] = await database.sql`
    select indisvalid, indisunique from pg_index where indexrelid = 'fruit_name'::regclass`
  expect(index).toEqual({ indisvalid: true, indisunique: false })
})

test('our own indexes on tables that may be large are made beside running daemons', async () => {
  const folder = join(import.meta.dirname, '../../src/db/migrations')
  const [first = '', ...later] = (await readdir(folder)).sort()
  const existing = [
    ...(await readFile(join(folder, first), 'utf8')).matchAll(/create table (\w+)/g),
  ]
  const tables = existing.map(([, name]) => name)
  for (const file of later) {
    const text = await readFile(join(folder, file), 'utf8')
    const indexed = [...text.matchAll(/create (?:unique )?index \w+\s+on (\w+)/g)]
    expect(indexed.filter(([, table]) => tables.includes(table))).toEqual([])
  }
})

test('a failing file leaves nothing of itself nor of those before it', async () => {
  await write(
    '0003-broken.sql',
    `insert into fruit values ('plum'); insert into nowhere values (1);`,
  )
  const attempt = migrate(database.sql, directory)
  await expect(attempt).rejects.toThrow(MigrationError)
  await expect(attempt).rejects.toThrow('0003-broken.sql failed: relation "nowhere" does not exist')
  const [found] = await database.sql`select to_regclass('fruit') as fruit`
  expect(found).toEqual({ fruit: null })

  await write('0003-broken.sql', `insert into fruit values ('plum');`)
  expect(await migrate(database.sql, directory)).toHaveLength(3)
  expect(await fruit()).toEqual(['apple', 'plum'])
})

test('a file marked `-- no transaction` runs alone, between two transactions', async () => {
  await write('0003-index.sql', '-- no transaction\ncreate index concurrently f on fruit (name);')
  await write('0004-broken.sql', 'insert into nowhere values (1);')
  await expect(migrate(database.sql, directory)).rejects.toThrow('0004-broken.sql failed')
  expect(await appliedNames()).toEqual(['0001-fruit.sql', '0002-apple.sql', '0003-index.sql'])
  const [found] =
    await database.sql`select indisvalid from pg_index where indexrelid = 'f'::regclass`
  expect(found).toEqual({ indisvalid: true })
})

test('a file that was edited after it was applied is refused', async () => {
  await migrate(database.sql, directory)
  await write('0002-apple.sql', `insert into fruit values ('pineapple');`)
  await write('0003-pear.sql', `insert into fruit values ('pear');`)
  await expect(migrate(database.sql, directory)).rejects.toThrow('0002-apple.sql was edited')
  expect(await fruit()).toEqual(['apple'])
})

test('other line ends are no edit', async () => {
  await write('0003-lines.sql', 'select 1;\nselect 2;\n')
  await migrate(database.sql, directory)
  const text = await readFile(join(directory, '0003-lines.sql'), 'utf8')
  await write('0003-lines.sql', text.replaceAll('\n', '\r\n'))
  expect(await migrate(database.sql, directory)).toEqual([])
})

test('a database that is newer than the program is refused', async () => {
  await write('0003-pear.sql', `insert into fruit values ('pear');`)
  await migrate(database.sql, directory)
  await rm(join(directory, '0003-pear.sql'))
  await expect(migrate(database.sql, directory)).rejects.toThrow(
    'The database is newer than this hearback: it has 0003-pear.sql',
  )
})

test('a file that comes in before one that was applied is refused', async () => {
  await write('0004-pear.sql', `insert into fruit values ('pear');`)
  await migrate(database.sql, directory)
  await write('0003-late.sql', 'select 1;')
  await expect(migrate(database.sql, directory)).rejects.toThrow('0003-late.sql comes too late')
})

test('a file without a number is refused', async () => {
  await write('fix.sql', 'select 1;')
  await expect(migrate(database.sql, directory)).rejects.toThrow(
    'must be called like 0001-initial.sql',
  )
})

async function write(name: string, text: string): Promise<void> {
  await writeFile(join(directory, name), text)
}

async function fruit(): Promise<string[]> {
  const rows = await database.sql`select name from fruit order by name`
  return rows.map((row) => row['name'])
}

async function appliedNames(): Promise<string[]> {
  const rows = await database.sql`select name from migration order by name`
  return rows.map((row) => row['name'])
}
