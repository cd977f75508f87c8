import { createKeyring } from '../attribute/keyring.ts'
import { WrongSecretError } from '../attribute/stored-root.ts'
import { type Config, ConfigError } from '../config.ts'
import { startEmbedded } from '../db/embedded.ts'
import { migrate } from '../db/migrate.ts'
import { type ConnectionTarget, connect, createDatabase, type Database } from '../db/sql.ts'
import { storageFailure } from '../db/sqlstate.ts'
import type { Log } from '../log.ts'
import { CommandError } from './command-error.ts'
import { secretInForce } from './secret.ts'

/** An open, migrated database, the secret that its keys are stored under, and how to close it. */
export type Storage = {
  db: Database
  /** For further pools. */
  target: ConnectionTarget
  secret: string
  isEmbedded: boolean
  /** Names of the migrations that opening it has applied. */
  applied: readonly string[]
  close(): Promise<void>
}

/**
 * PostgreSQL by DATABASE_URL, or the embedded one: a running one is used, else it is started for as
 * long as it is needed. Throws a ConfigError or CommandError with words for the operator.
 */
export async function openStorage(
  config: Config,
  purpose: 'daemon' | 'command',
  log: Log,
): Promise<Storage> {
  if (config.databaseUrl !== null) {
    const target = { url: config.databaseUrl }
    const secret = secretInForce(config)
    const applied = await migrateTarget(target, log).catch((error: unknown) => {
      if (!isOfDatabase(error)) throw error
      throw new CommandError(`the PostgreSQL of DATABASE_URL cannot be used: ${error.message}`)
    })
    const db = createDatabase(target)
    const close = (): Promise<void> => db.close()
    return checkSecret({ db, target, secret, isEmbedded: false, applied, close })
  }
  const embedded = await startEmbedded({ dataDir: config.dataDir, purpose, log })
  if (embedded.note !== null && purpose === 'daemon') log.info(embedded.note)
  const { connection: target } = embedded
  const applied = await migrateTarget(target, log).catch(async (error) => {
    await embedded.stop()
    throw error
  })
  const db = createDatabase(target)
  const secret = secretInForce(config)
  const close = async (): Promise<void> => {
    await db.close()
    await embedded.stop()
  }
  return checkSecret({ db, target, secret, isEmbedded: true, applied, close })
}

/** A key that is stored under another secret than the others would make all of them unreadable. */
async function checkSecret(storage: Storage): Promise<Storage> {
  try {
    await createKeyring(storage.db, storage.secret).load()
    return storage
  } catch (error) {
    await storage.close()
    if (!(error instanceof WrongSecretError)) throw error
    throw new ConfigError([
      'HEARBACK_SECRET: is not the secret that the signing keys in this database were stored under; use that one (embedded: the file `secret` of the data directory it began with)',
    ])
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
