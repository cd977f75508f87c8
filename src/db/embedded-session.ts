import postgres from 'postgres'
import { superuser } from './embedded-cluster.ts'
import { EmbeddedPostgresError, errorCode } from './embedded-error.ts'
import type { Postmaster } from './embedded-postmaster.ts'

/** A daemon is alone on its data directory; commands are not. */
export type Purpose = 'daemon' | 'command'

/** Our presence at the server: a connection of its own that holds our advisory locks. */
export type Session = {
  /** Resolves when the connection is gone, whoever ended it. */
  closed: Promise<void>
  /**
   * Gives up our place. `true`: nobody else has one, and whoever comes now waits until this
   * connection ends, so that the server can be stopped.
   */
  isLast(): Promise<boolean>
  end(): Promise<void>
}

export const database = 'hearback'

/** First key of our advisory locks: `hear` in ASCII. They live in the database `postgres`. */
const lockSpace = 0x68656172
/** Held shared by everyone who uses the server, alone by who is about to stop it. */
const presence = 1
const daemon = 2
const creation = 3

const daemonPatienceMs = 10_000

/**
 * Connects, checks that the server is that of `cluster`, takes the locks and makes the database.
 * `null`: the server is going down or not up yet; look again.
 * @throws EmbeddedPostgresError after 10 s when another daemon has the data directory.
 */
export async function openSession(
  { socketDirectory, port }: Postmaster,
  { cluster, dataDir }: { cluster: string; dataDir: string },
  purpose: Purpose,
): Promise<Session | null> {
  let isClosed = false
  const { promise: closed, resolve } = withResolver()
  const sql = postgres({
    host: socketDirectory,
    port,
    username: superuser,
    database: 'postgres',
    max: 1,
    max_lifetime: null,
    connect_timeout: 10,
    fetch_types: false,
    onnotice: () => {},
    onclose: () => {
      isClosed = true
      resolve()
    },
    connection: { application_name: `hearback ${purpose}, process ${process.pid}` },
  })
  try {
    const [server] = await sql`select current_setting('data_directory') as directory`
    if (server?.['directory'] !== cluster) {
      throw new EmbeddedPostgresError(
        `The server on ${socketDirectory} has its data in ${server?.['directory']}, not in ${cluster}.`,
      )
    }
    await sql`select pg_advisory_lock_shared(${lockSpace}, ${presence})`
    if (purpose === 'daemon') await takeDaemonLock(sql, dataDir)
    await ensureDatabase(sql)
    // The client would connect anew without a word, and the locks would be gone.
    if (!isClosed) return createSession(sql, closed)
  } catch (error) {
    if (!isServerAway(error)) {
      await sql.end({ timeout: 0 })
      throw error
    }
  }
  await sql.end({ timeout: 0 })
  return null
}

function createSession(sql: postgres.Sql, closed: Promise<void>): Session {
  return {
    closed,
    isLast: async () => {
      try {
        // Two who leave at once must not hold their shared locks against each other.
        await sql`select pg_advisory_unlock_shared(${lockSpace}, ${presence})`
        const [row] = await sql`select pg_try_advisory_lock(${lockSpace}, ${presence}) as is_last`
        return row?.['is_last'] === true
      } catch (error) {
        if (isServerAway(error)) return false
        throw error
      }
    },
    end: () => sql.end({ timeout: 0 }),
  }
}

async function takeDaemonLock(sql: postgres.Sql, dataDir: string): Promise<void> {
  try {
    await sql.unsafe(`set lock_timeout = ${daemonPatienceMs}`)
    await sql`select pg_advisory_lock(${lockSpace}, ${daemon})`
    await sql`set lock_timeout = 0`
  } catch (error) {
    if (errorCode(error) !== '55P03') throw error
    const [holder] = await sql`
      select application_name from pg_stat_activity join pg_locks using (pid)
      where locktype = 'advisory' and classid = ${lockSpace} and objid = ${daemon} and granted`
    throw new EmbeddedPostgresError(
      `Another hearback daemon uses the data directory ${dataDir} (${holder?.['application_name'] ?? 'unknown'}). ` +
        'Stop that one first, or give this one another HEARBACK_DATA_DIR.',
    )
  }
}

async function ensureDatabase(sql: postgres.Sql): Promise<void> {
  if (await hasDatabase(sql)) return
  await sql`select pg_advisory_lock(${lockSpace}, ${creation})`
  if (!(await hasDatabase(sql))) await sql`create database ${sql(database)}`
  await sql`select pg_advisory_unlock(${lockSpace}, ${creation})`
}

async function hasDatabase(sql: postgres.Sql): Promise<boolean> {
  return (await sql`select from pg_database where datname = ${database}`).length > 0
}

/** It is not up yet, goes down, or went down while we were talking. */
function isServerAway(error: unknown): boolean {
  const code = errorCode(error) ?? ''
  return /^(?:57P0[123]|08...|CONNECTION_\w+|CONNECT_TIMEOUT|ECONN\w+|ENOENT|EPIPE)$/.test(code)
}

function withResolver(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => {}
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return { promise, resolve }
}
