import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import postgres from 'postgres'
import { type EmbeddedPostgres, startEmbedded } from '../../src/db/embedded.ts'
import { findPostmaster } from '../../src/db/embedded-postmaster.ts'
import { createDataDirectory, removeDataDirectory } from '../support/data-directory.ts'
import { openPort } from '../support/database-cluster.ts'

/** A PostgreSQL that one test may stop and freeze, for a daemon that knows it by DATABASE_URL. */
export type OwnCluster = {
  url: string
  sql: postgres.Sql
  stop(): Promise<void>
  start(): Promise<void>
  /** SIGSTOP for the server and all its backends, or SIGCONT. */
  signalAll(name: 'SIGSTOP' | 'SIGCONT'): Promise<void>
  remove(): Promise<void>
}

const log = { info: () => undefined, error: console.error }

export async function createOwnCluster(): Promise<OwnCluster> {
  const dataDir = await createDataDirectory()
  await openPort(dataDir)
  let server: EmbeddedPostgres
  const start = async (): Promise<void> => {
    server = await startEmbedded({ dataDir, purpose: 'command', log })
  }
  await start()
  const cluster = join(dataDir, 'postgres')
  const postmaster = await findPostmaster(cluster)
  const url = `postgres://hearback@127.0.0.1:${postmaster?.port}/hearback`
  const sql = postgres(url, { max: 2, onnotice: () => undefined })
  const signalAll = async (name: 'SIGSTOP' | 'SIGCONT'): Promise<void> => {
    const { pid } = (await findPostmaster(cluster)) ?? {}
    if (pid === undefined) throw new Error('no server')
    for (const process of [pid, ...(await childrenOf(pid))]) signal(process, name)
  }
  return {
    url,
    sql,
    start,
    stop: () => server.stop(),
    signalAll,
    remove: async () => {
      // A test that failed half-way may have left it frozen.
      await signalAll('SIGCONT').catch(() => undefined)
      await sql.end({ timeout: 1 })
      await server.stop()
      await removeDataDirectory(dataDir)
    },
  }
}

/** Linux only: images with nothing but Node have no ps. */
async function childrenOf(parent: number): Promise<number[]> {
  const pids = (await readdir('/proc')).map(Number).filter((pid) => pid > 0)
  const parents = await Promise.all(pids.map(parentOf))
  return pids.filter((_, index) => parents[index] === parent)
}

/** proc(5): the number of the parent is the second field behind the name in parentheses. */
async function parentOf(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1])
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // It ended meanwhile.
  }
}
