import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type postgres from 'postgres'

/** Why the database cannot be brought to the state that this program expects. */
export class MigrationError extends Error {
  override name = 'MigrationError'
}

type Migration = { name: string; hash: string; text: string; isAlone: boolean }

const ownDirectory = fileURLToPath(new URL('migrations', import.meta.url))
/** `hear` and `mig` in ASCII. */
const lockKeys = { space: 0x68656172, migration: 0x6d6967 }
const lockPollMs = 50

/**
 * Applies the files `0001-<name>.sql`, … that the database does not have yet: all of them in one
 * transaction, and any number of starters at once. A file whose first line is `-- no transaction`
 * holds one statement and runs alone, between two transactions; it must bear to be run again.
 * @returns the names of the files applied, in order.
 * @throws MigrationError when an applied file was edited, the database is newer than the program, or
 *   a file fails (then nothing of its transaction is left).
 */
export async function migrate(sql: postgres.Sql, directory = ownDirectory): Promise<string[]> {
  const migrations = await readMigrations(directory)
  // On a pool that has not connected yet the driver would wait for ever (porsager/postgres#1219).
  await sql`select`
  const connection = await sql.reserve()
  try {
    await connection`set statement_timeout = 0`
    await lock(connection)
    await connection`
      create table if not exists migration (
        name text collate "C" primary key,
        hash text not null,
        applied_at timestamptz(3) not null default now()
      )`
    const pending = await findPending(connection, migrations)
    for (const group of inTransactions(pending)) await apply(connection, group)
    return pending.map(({ name }) => name)
  } finally {
    await release(connection)
  }
}

async function readMigrations(directory: string): Promise<Migration[]> {
  const names = (await readdir(directory)).filter((name) => name.endsWith('.sql')).sort()
  return await Promise.all(
    names.map(async (name) => {
      if (!/^\d{4}-[a-z0-9-]+\.sql$/.test(name)) {
        throw new MigrationError(`${join(directory, name)} must be called like 0001-initial.sql.`)
      }
      const text = (await readFile(join(directory, name), 'utf8')).replaceAll('\r\n', '\n')
      const hash = createHash('sha256').update(text).digest('hex')
      return { name, hash, text, isAlone: /^-- no transaction *\n/.test(text) }
    }),
  )
}

/**
 * Asks again and again: a session that waits inside `pg_advisory_lock` has a snapshot, for whose end
 * `create index concurrently` of the one that has the lock would wait.
 */
async function lock(connection: postgres.ReservedSql): Promise<void> {
  for (;;) {
    const [row] = await connection`
      select pg_try_advisory_lock(${lockKeys.space}, ${lockKeys.migration}) as locked`
    if (row?.['locked'] === true) return
    await sleep(lockPollMs)
  }
}

async function release(connection: postgres.ReservedSql): Promise<void> {
  try {
    await connection`select pg_advisory_unlock(${lockKeys.space}, ${lockKeys.migration})`
    await connection`reset statement_timeout`
  } catch {
    // The connection is broken, and with it the lock is gone.
  }
  connection.release()
}

async function findPending(
  connection: postgres.ReservedSql,
  migrations: readonly Migration[],
): Promise<Migration[]> {
  const applied = await connection<{ name: string; hash: string }[]>`
    select name, hash from migration order by name`
  for (const { name, hash } of applied) {
    const file = migrations.find((migration) => migration.name === name)
    if (file === undefined) {
      throw new MigrationError(
        `The database is newer than this hearback: it has ${name}, which this version does not know.`,
      )
    }
    if (file.hash !== hash) {
      throw new MigrationError(
        `${name} was edited after the database had it. Restore it and write a new file instead.`,
      )
    }
  }
  const pending = migrations.filter(({ name }) => !applied.some((row) => row.name === name))
  const [first] = pending
  const last = applied.at(-1)
  if (first !== undefined && last !== undefined && first.name < last.name) {
    throw new MigrationError(
      `${first.name} comes too late: the database has ${last.name} already. Give it a higher number.`,
    )
  }
  return pending
}

function inTransactions(pending: readonly Migration[]): Migration[][] {
  const groups: Migration[][] = []
  for (const migration of pending) {
    const group = groups.at(-1)
    if (group === undefined || migration.isAlone || group[0]?.isAlone === true) {
      groups.push([migration])
    } else {
      group.push(migration)
    }
  }
  return groups
}

async function apply(connection: postgres.ReservedSql, group: readonly Migration[]): Promise<void> {
  const isAlone = group[0]?.isAlone === true
  if (!isAlone) await connection`begin`
  for (const { name, hash, text } of group) {
    try {
      if (isAlone) await dropUnfinishedIndex(connection, text)
      await connection.unsafe(text).simple()
      await connection`insert into migration (name, hash) values (${name}, ${hash})`
    } catch (error) {
      if (!isAlone) await connection`rollback`.catch(() => undefined)
      const reason = error instanceof Error ? error.message : String(error)
      throw new MigrationError(`${name} failed: ${reason}`, { cause: error })
    }
  }
  if (!isAlone) await connection`commit`
}

/** An index whose making was ended in the middle is there, and nobody uses it. */
async function dropUnfinishedIndex(connection: postgres.ReservedSql, text: string): Promise<void> {
  const [, name] = /create index concurrently if not exists (\w+)/.exec(text) ?? []
  if (name === undefined) return
  const unfinished = await connection`
    select 1 from pg_index where indexrelid = to_regclass(${name}) and not indisvalid`
  if (unfinished.length > 0) await connection`drop index concurrently ${connection(name)}`
}
