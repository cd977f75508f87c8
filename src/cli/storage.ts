import type { Config } from '../config.ts'
import { startEmbedded } from '../db/embedded.ts'
import { migrate } from '../db/migrate.ts'
import { type ConnectionTarget, connect, createDatabase, type Database } from '../db/sql.ts'
import { storageFailure } from '../db/sqlstate.ts'
import type { Log } from '../log.ts'
import { CommandError } from './command-error.ts'
import { secretInForce } from './secret.ts'

/** An open, migrated database, and what it takes to close it again. */
export type Storage = {
  db: Database
  secret: string
  isEmbedded: boolean
  /** Names of the migrations that opening it has applied. */
  applied: readonly string[]
  close(): Promise<void>
}

/**
 * PostgreSQL by DATABASE_URL, or the embedded one: a running one is used, else it is started for as
 * long as it is needed.
 */
export async function openStorage(
  config: Config,
  purpose: 'daemon' | 'command',
  log: Log,
): Promise<Storage> {
  const secret = secretInForce(config)
  if (config.databaseUrl !== null) {
    const target = { url: config.databaseUrl }
    const applied = await migrateTarget(target, log).catch((error: unknown) => {
      if (!isOfDatabase(error)) throw error
      throw new CommandError(`the PostgreSQL of DATABASE_URL cannot be used: ${error.message}`)
    })
    const db = createDatabase(target)
    return { db, secret, isEmbedded: false, applied, close: () => db.close() }
  }
  const embedded = await startEmbedded({ dataDir: config.dataDir, purpose, log })
  if (embedded.note !== null && purpose === 'daemon') log.info(embedded.note)
  const applied = await migrateTarget(embedded.connection, log).catch(async (error) => {
    await embedded.stop()
    throw error
  })
  const db = createDatabase(embedded.connection)
  return {
    db,
    secret,
    isEmbedded: true,
    applied,
    close: async () => {
      await db.close()
      await embedded.stop()
    },
  }
}

async function migrateTarget(target: ConnectionTarget, log: Log): Promise<string[]> {
  const sql = connect(target, { maxConnections: 1 })
  try {
    const applied = await migrate(sql)
    if (applied.length > 0) log.info({ applied }, 'database migrated')
    return applied
  } finally {
    await sql.end({ timeout: 5 })
  }
}

/** It is not there, or does not let us in: PostgreSQL itself and the socket have a code. */
function isOfDatabase(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && storageFailure(error) === 'outage'
}
