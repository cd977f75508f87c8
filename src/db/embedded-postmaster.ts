import { spawn } from 'node:child_process'
import { constants } from 'node:fs'
import { type FileHandle, lstat, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { EmbeddedPostgresError, errorCode } from './embedded-error.ts'
import { isAlive, isServer } from './embedded-process.ts'
import type { ServerUser } from './embedded-user.ts'

/** A postmaster.pid whose process lives and serves this cluster. */
export type Postmaster = {
  pid: number
  port: number
  socketDirectory: string
  /** It takes connections. */
  isReady: boolean
}

/** What it takes to start PostgreSQL; paths absolute and resolved. */
export type ServerFiles = {
  program: string
  cluster: string
  socketDirectory: string
  logFile: string
  user: ServerUser
}

/** A server process that we started; `ended` tells why it is gone, `null` while it runs. */
export type Launch = { ended: string | null }

const maxLogBytes = 1_000_000

/** Fast shutdown, then immediate, then none at all: the write-ahead log brings the data back. */
const stopSteps = [
  { signal: 'SIGINT', patienceMs: 10_000 },
  { signal: 'SIGQUIT', patienceMs: 5_000 },
  { signal: 'SIGKILL', patienceMs: 5_000 },
] as const

/** The server that runs on `cluster`, whoever started it; `null` when there is none. */
export async function findPostmaster(cluster: string): Promise<Postmaster | null> {
  const text = await readFile(join(cluster, 'postmaster.pid'), 'utf8').catch(ignoreMissing)
  if (text === null) return null
  const [pid, , , port, socketDirectory, , , status] = text.split('\n')
  if (!(await isServer(Number(pid), cluster))) return null
  return {
    pid: Number(pid),
    port: Number(port),
    socketDirectory: socketDirectory ?? '',
    isReady: status?.trim() === 'ready',
  }
}

/** Starts PostgreSQL in a session of its own, where no Ctrl-C meant for us reaches it. */
export async function launchPostgres(files: ServerFiles): Promise<Launch> {
  await removeForeignLocks(files)
  const { user } = files
  const log = await openLog(files.logFile, user)
  const launch: Launch = { ended: null }
  try {
    const child = spawn(join(files.program, 'bin/postgres'), serverArguments(files), {
      cwd: '/',
      env: { LC_ALL: 'C' },
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
      ...(user === null ? {} : { uid: user.uid, gid: user.gid }),
    })
    child.on('error', (error) => {
      launch.ended = error.message
    })
    child.on('exit', (code, signal) => {
      launch.ended = signal ?? `exit code ${code}`
    })
    child.unref()
  } finally {
    await log.close()
  }
  return launch
}

/** @throws EmbeddedPostgresError when the server outlives even SIGKILL. */
export async function stopPostmaster(cluster: string): Promise<void> {
  const postmaster = await findPostmaster(cluster)
  if (postmaster === null) return
  for (const { signal, patienceMs } of stopSteps) {
    try {
      process.kill(postmaster.pid, signal)
    } catch (error) {
      if (errorCode(error) === 'ESRCH') return
      throw error
    }
    const deadline = performance.now() + patienceMs
    while (performance.now() < deadline) {
      if (!(await isServer(postmaster.pid, cluster))) return
      await sleep(10)
    }
  }
  throw new EmbeddedPostgresError(`PostgreSQL (process ${postmaster.pid}) does not stop.`)
}

/** The last lines that the server wrote, for an error message. */
export async function lastLogLines(logFile: string): Promise<string> {
  const text = await readFile(logFile, 'utf8').catch(() => '')
  return text.trimEnd().split('\n').slice(-4).join('\n')
}

function serverArguments({ cluster, socketDirectory }: ServerFiles): string[] {
  // The setting is a list: quotes keep a comma in the path from dividing it.
  const quoted = `"${socketDirectory.replaceAll('"', '""')}"`
  const settings = [`unix_socket_directories=${quoted}`, 'unix_socket_permissions=0700']
  return ['-D', cluster, ...settings.flatMap((setting) => ['-c', setting])]
}

/**
 * PostgreSQL itself takes away the lock files of a process that is gone, but believes every living
 * process of the same user that has its number to be a server.
 */
async function removeForeignLocks({ cluster, socketDirectory }: ServerFiles): Promise<void> {
  const sockets = (await readdir(socketDirectory)).filter((name) =>
    /^\.s\.PGSQL\..*\.lock$/.test(name),
  )
  const files = [
    join(cluster, 'postmaster.pid'),
    ...sockets.map((name) => join(socketDirectory, name)),
  ]
  for (const file of files) {
    const text = await readFile(file, 'utf8').catch(ignoreMissing)
    // A server in single-user mode writes its number negative.
    const pid = Math.abs(Number.parseInt(text ?? '', 10))
    if (isAlive(pid) && !(await isServer(pid, cluster))) await rm(file, { force: true })
  }
}

async function openLog(logFile: string, user: ServerUser): Promise<FileHandle> {
  const size = (await lstat(logFile).catch(ignoreMissing))?.size ?? 0
  if (size > maxLogBytes) await rename(logFile, `${logFile}.1`)
  // As root in the folder of another user: no link of theirs shall make us write elsewhere.
  const { O_APPEND, O_CREAT, O_NOFOLLOW, O_WRONLY } = constants
  const log = await open(logFile, O_APPEND | O_CREAT | O_NOFOLLOW | O_WRONLY, 0o600)
  if (user !== null) await log.chown(user.uid, user.gid)
  return log
}

function ignoreMissing(error: unknown): null {
  if (errorCode(error) === 'ENOENT') return null
  throw error
}
