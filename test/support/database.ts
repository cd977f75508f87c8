import { randomBytes } from 'node:crypto'
import type postgres from 'postgres'
import { inject } from 'vitest'
import { type ConnectionTarget, connect } from '../../src/db/sql.ts'

export type TestDatabase = {
  /** For `createDatabase` and `connect`. */
  target: ConnectionTarget
  /** For a daemon in a process of its own: `DATABASE_URL`. */
  url: string
  sql: postgres.Sql
  drop(): Promise<void>
}

/**
 * A database of its own for one test file, with all migrations applied. `migrated: false`: an empty
 * one. Call `drop` in afterAll.
 */
export async function createTestDatabase(
  { migrated }: { migrated: boolean } = { migrated: true },
): Promise<TestDatabase> {
  const { host, port, user, template } = inject('testCluster')
  const database = `test_${randomBytes(6).toString('hex')}`
  const source = migrated ? template : 'template1'
  const admin = connect({ host, port, user, database: 'postgres' }, { maxConnections: 1 })
  await admin`create database ${admin(database)} template ${admin(source)}`
  await admin.end()
  const target = { host, port, user, database }
  const sql = connect(target, { maxConnections: 10 })
  return {
    target,
    url: `postgres://${user}@127.0.0.1:${port}/${database}`,
    sql,
    drop: async () => {
      await sql.end({ timeout: 1 })
      const last = connect({ ...target, database: 'postgres' }, { maxConnections: 1 })
      await last`drop database ${last(database)} with (force)`
      await last.end()
    },
  }
}
