import { readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import postgres from 'postgres'
import type { TestProject } from 'vitest/node'
import { startEmbedded } from '../../src/db/embedded.ts'
import { isAlive } from '../../src/db/embedded-process.ts'
import { migrate } from '../../src/db/migrate.ts'
import { createDataDirectory, findTestFolder, removeDataDirectory } from './data-directory.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** The PostgreSQL of this test run: a socket for us, a port for the daemon as a child process. */
    testCluster: { host: string; port: number; user: string; template: string }
  }
}

const prefix = 'hearback-test-'
const log = { info: () => undefined, error: console.error }

/** Runs before all test files: one PostgreSQL for all of them, with a migrated template in it. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  await removeLeftovers()
  const dataDir = await createDataDirectory(`${prefix}${process.pid}-`)
  await openPort(dataDir)
  const server = await startEmbedded({ dataDir, purpose: 'daemon', log })
  const sql = postgres({ ...server.connection, onnotice: () => undefined })
  await migrate(sql)
  await sql.end()
  const { host, port, user, database } = server.connection
  project.provide('testCluster', { host, port, user, template: database })
  return async () => {
    await server.stop()
    await removeDataDirectory(dataDir)
  }
}

/** What the daemon never does: PostgreSQL on TCP too, for `DATABASE_URL` cannot name a socket. */
export async function openPort(dataDir: string): Promise<void> {
  const server = await startEmbedded({ dataDir, purpose: 'command', log })
  const sql = postgres(server.connection)
  await sql`alter system set listen_addresses = '127.0.0.1'`
  await sql.unsafe(`alter system set port = ${await findFreePort()}`)
  await sql`alter system set max_connections = 300`
  const [row] = await sql`select current_setting('hba_file') as file`
  const file: string = row?.['file']
  // The first rule that fits decides, and there is one that rejects.
  await writeFile(file, `host all all 127.0.0.1/32 trust\n${await readFile(file, 'utf8')}`)
  await sql.end()
  await server.stop()
}

async function findFreePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
  const address = probe.address()
  await new Promise((resolve) => probe.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

/** The servers and files of runs that were killed. */
async function removeLeftovers(): Promise<void> {
  const folder = await findTestFolder()
  for (const name of await readdir(folder)) {
    const pid = Number(new RegExp(`^${prefix}(\\d+)-`).exec(name)?.[1])
    if (Number.isNaN(pid) || isAlive(pid)) continue
    // Those of another user are not ours to remove.
    await removeDataDirectory(join(folder, name)).catch(() => undefined)
  }
}
