import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmod,
  chown,
  lstat,
  mkdir,
  readdir,
  readFile,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import postgres from 'postgres'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { EmbeddedConnection } from '../../src/db/embedded.ts'
import { findPostmaster, stopPostmaster } from '../../src/db/embedded-postmaster.ts'
import { isAlive } from '../../src/db/embedded-process.ts'
import { createDataDirectory, removeDataDirectory } from '../support/data-directory.ts'
import { type Installation, install, plantCluster, startProcess } from './installation.ts'

let installation: Installation
let dataDir: string
let cluster: string

beforeAll(async () => {
  installation = await install()
})

afterAll(async () => {
  await installation.remove()
})

beforeEach(async () => {
  dataDir = await createDataDirectory()
  cluster = join(dataDir, 'postgres')
})

afterEach(async () => {
  await removeDataDirectory(dataDir)
})

test('the first start makes a durable UTF-8 cluster that no network reaches, and stop ends it', async () => {
  const daemon = await start('daemon')
  const [settings] = await query(
    daemon.connection,
    `select current_setting('fsync') as fsync, current_setting('full_page_writes') as full_page_writes,
      current_setting('synchronous_commit') as synchronous_commit,
      current_setting('listen_addresses') as listen_addresses,
      pg_encoding_to_char(encoding) as encoding, datcollate, datctype
      from pg_database where datname = current_database()`,
  )
  expect(settings).toEqual({
    fsync: 'on',
    full_page_writes: 'on',
    synchronous_commit: 'on',
    listen_addresses: '',
    encoding: 'UTF8',
    datcollate: 'C',
    datctype: 'C',
  })
  expect((await stat(daemon.connection.host)).mode & 0o777).toBe(0o700)
  const { pid } = await postmaster()

  await daemon.stop()
  expect(isAlive(pid)).toBe(false)
  expect((await readdir(dataDir)).sort()).toEqual(['postgres', 'postgres.log'])
  expect(await readdir(cluster)).not.toContain('postmaster.pid')
})

test('data outlives the server, in all ways in which daemon and server can end', async () => {
  await plantCluster(installation, dataDir)
  const first = await start('daemon')
  await query(first.connection, 'create table kept as select 42 as answer')
  await first.stop()

  // A clean stop; then kill -9 of the daemon, whose server the next one adopts.
  const second = await start('daemon')
  expect(await query(second.connection, 'select answer from kept')).toEqual([{ answer: 42 }])
  await query(second.connection, 'update kept set answer = 43')
  const { pid } = await postmaster()
  await second.kill()
  const third = await start('daemon')
  expect((await postmaster()).pid).toBe(pid)
  expect(await query(third.connection, 'select answer from kept')).toEqual([{ answer: 43 }])
  await query(third.connection, 'update kept set answer = 44')

  // kill -9 of both.
  await third.kill()
  process.kill(pid, 'SIGKILL')
  const fourth = await start('daemon')
  expect((await postmaster()).pid).not.toBe(pid)
  expect(await query(fourth.connection, 'select answer from kept')).toEqual([{ answer: 44 }])
  await fourth.stop()
  expect(await findPostmaster(cluster)).toBeNull()
})

test('kill -9 of the server under a living daemon: it comes back, and pools find it again', async () => {
  await plantCluster(installation, dataDir)
  const daemon = await start('daemon')
  const sql = postgres({ ...daemon.connection, max: 2 })
  await sql`create table kept as select 42 as answer`
  const before = await postmaster()
  process.kill(before.pid, 'SIGKILL')
  await expect
    .poll(async () => (await findPostmaster(cluster))?.pid ?? before.pid)
    .not.toBe(before.pid)
  await expect.poll(() => sql`select answer from kept`.catch(String)).toEqual([{ answer: 42 }])
  await sql.end()

  // It keeps other daemons out as before, and ends its server.
  await expect.poll(() => daemon.output()).toContain('The embedded PostgreSQL is there again')
  expect(await daemonLocks(daemon.connection)).toBe(1)

  // kill -9 of one of its processes: all sessions break, and ours comes back too.
  const [victim] = await query(
    daemon.connection,
    `select pid from pg_stat_activity
    where backend_type = 'background writer'`,
  )
  process.kill(victim?.['pid'], 'SIGKILL')
  await expect.poll(() => daemon.output().match(/is there again/g)).toHaveLength(2)
  expect(await daemonLocks(daemon.connection)).toBe(1)
  await daemon.stop()
  expect(await findPostmaster(cluster)).toBeNull()
})

test('Ctrl-C in the terminal reaches the daemon alone', async () => {
  await plantCluster(installation, dataDir)
  const daemon = await start('daemon')
  process.kill(-daemon.pid, 'SIGINT')
  await sleep(300)
  expect(await query(daemon.connection, 'select 1 as one')).toEqual([{ one: 1 }])
  expect(await readFile(join(dataDir, 'postgres.log'), 'utf8')).not.toContain('shutdown request')
  await daemon.stop()
})

test('a postmaster.pid whose number now belongs to another process is no obstacle', async () => {
  await plantCluster(installation, dataDir)
  const first = await start('daemon')
  await first.kill()
  const server = await postmaster()
  const pidFile = await readFile(join(cluster, 'postmaster.pid'), 'utf8')
  const stranger = await spawnAsServerUser()
  await stopPostmaster(cluster)
  for (const name of ['postmaster.pid', '.s.PGSQL.5432.lock']) {
    await writeFile(join(cluster, name), pidFile.replace(String(server.pid), String(stranger.pid)))
  }
  const second = await start('daemon')
  await second.stop()
  expect(stranger.exitCode).toBeNull()
  stranger.kill()
})

test('an initdb that was killed half-way is done again', async () => {
  const attempt = startProcess(installation, { dataDir }).catch((error: unknown) => String(error))
  await expect.poll(() => unfinished(), { interval: 5 }).toHaveLength(1)
  const [name] = await unfinished()
  process.kill(Number(name?.split('-')[1]), 'SIGKILL')
  expect(await attempt).toContain('SIGKILL')
  expect(await readdir(dataDir)).not.toContain('postgres')

  const command = await start('command')
  await command.stop()
  await expect.poll(() => unfinished()).toEqual([])
})

test('a cluster of another major version is refused in words', async () => {
  await plantCluster(installation, dataDir)
  await writeFile(join(cluster, 'PG_VERSION'), '17\n')
  await expect(start('command')).rejects.toThrow(/made by PostgreSQL 17, .* brings PostgreSQL 18/)
})

test('a folder that holds anything else is left alone', async () => {
  await plantCluster(installation, dataDir)
  const { uid, gid } = await stat(cluster)
  await rm(cluster, { recursive: true })
  await mkdir(cluster)
  await chown(cluster, uid, gid)
  await writeFile(join(cluster, 'letter.txt'), 'dear')
  await expect(start('command')).rejects.toThrow('holds files but no PostgreSQL cluster')
  expect(await readdir(cluster)).toEqual(['letter.txt'])
})

test('an empty folder is as good as none', async () => {
  await mkdir(cluster)
  await (await start('command')).stop()
})

test('a server that does not start is quoted', async () => {
  await plantCluster(installation, dataDir)
  await writeFile(join(cluster, 'postgresql.conf'), 'shared_buffers = lots\n')
  await expect(start('command')).rejects.toThrow(/does not start .*invalid value.*"lots"/s)
})

test('the log file does not grow for ever', async () => {
  await plantCluster(installation, dataDir)
  await writeFile(join(dataDir, 'postgres.log'), 'x'.repeat(1_000_001))
  await (await start('command')).stop()
  expect((await stat(join(dataDir, 'postgres.log'))).size).toBeLessThan(10_000)
  expect((await stat(join(dataDir, 'postgres.log.1'))).size).toBe(1_000_001)
})

describe('a path too long for a socket', () => {
  let folder: string

  beforeEach(() => {
    folder = dataDir
    dataDir = join(folder, 'long'.repeat(30))
    cluster = join(dataDir, 'postgres')
  })

  afterEach(async () => {
    await removeDataDirectory(folder)
  })

  test('the socket stands in a short private folder, always the same', async () => {
    const first = await start('daemon')
    const { host } = first.connection
    expect(host.length).toBeLessThan(86)
    const { mode, uid } = await lstat(host)
    expect(mode & 0o777).toBe(0o700)
    expect(uid).toBe((await stat(cluster)).uid)
    expect(await query(first.connection, 'select 1 as one')).toEqual([{ one: 1 }])
    await first.kill()
    const second = await start('daemon')
    expect(second.connection.host).toBe(host)
    await second.stop()
    await rm(host, { recursive: true })
  })

  test('a folder of that name which others may write to is not used', async () => {
    const first = await start('command')
    await first.stop()
    const { host } = first.connection
    await chmod(host, 0o777)
    await expect(start('command')).rejects.toThrow(`${host}, where PostgreSQL's socket belongs`)
    await rm(host, { recursive: true })
  })
})

function start(purpose: 'daemon' | 'command') {
  return startProcess(installation, { dataDir, purpose })
}

async function postmaster() {
  const found = await findPostmaster(cluster)
  if (found === null) throw new Error('no server runs')
  return found
}

/** How many sessions of daemons hold a lock of their own. */
async function daemonLocks(connection: EmbeddedConnection): Promise<number> {
  const rows = await query(
    connection,
    `select from pg_locks join pg_stat_activity using (pid)
      where locktype = 'advisory' and mode = 'ExclusiveLock' and granted
      and application_name like 'hearback daemon, process %'`,
  )
  return rows.length
}

async function query(connection: EmbeddedConnection, text: string) {
  const sql = postgres({ ...connection, max: 1, onnotice: () => undefined })
  try {
    return [...(await sql.unsafe(text))]
  } finally {
    await sql.end()
  }
}

/** PostgreSQL takes only processes of its own user for servers. */
async function spawnAsServerUser(): Promise<ChildProcess> {
  const { uid, gid } = await stat(cluster)
  const child = spawn('sleep', ['60'], { uid, gid, stdio: 'ignore' })
  await once(child, 'spawn')
  return child
}

async function unfinished(): Promise<string[]> {
  return (await readdir(dataDir)).filter((name) => name.startsWith('postgres.new'))
}
