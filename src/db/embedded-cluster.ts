import { spawn } from 'node:child_process'
import { access, lchown, mkdir, open, readdir, readFile, rename, rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { EmbeddedPostgresError, errorCode } from './embedded-error.ts'
import type { Place } from './embedded-place.ts'
import { removeUnfinished, unfinishedPath } from './embedded-unfinished.ts'

/** The role that owns everything; on the socket nobody is asked for a password. */
export const superuser = 'hearback'

/** Written into postgresql.conf, where an operator may change them. */
const settings = {
  listen_addresses: '',
  max_connections: '100',
  shared_buffers: '128MB',
  synchronous_commit: 'on',
  // Errors of statements quote addresses, and the daemon logs them itself.
  log_min_messages: 'log',
  log_checkpoints: 'off',
}

/**
 * Makes the cluster where there is none yet. It is made under another name and renamed when it is
 * complete, so that one which was killed half-way is never taken for a cluster.
 * @param version of the program; the cluster must be of the same major version.
 */
export async function ensureCluster(place: Place, program: string, version: string): Promise<void> {
  await removeUnfinished(place.cluster)
  const found = await majorVersion(place.cluster)
  if (found === null) {
    await createCluster(place, program)
    return
  }
  const major = version.split('.')[0]
  if (found === major) return
  throw new EmbeddedPostgresError(
    `${place.cluster} was made by PostgreSQL ${found}, and this hearback brings PostgreSQL ${major}. ` +
      `Run the version of hearback that made it, or move the data over with pg_dump of PostgreSQL ${found}.`,
  )
}

/** `null`: there is no cluster, or an empty folder such as a fresh mount. */
async function majorVersion(cluster: string): Promise<string | null> {
  const names: string[] = await readdir(cluster).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return []
    throw error
  })
  if (names.length === 0) return null
  try {
    await access(join(cluster, 'global/pg_control'))
    return (await readFile(join(cluster, 'PG_VERSION'), 'utf8')).trim()
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error
    throw new EmbeddedPostgresError(
      `${cluster} holds files but no PostgreSQL cluster: restore it, or move it away to begin anew.`,
    )
  }
}

async function createCluster({ home, cluster, user }: Place, program: string): Promise<void> {
  const unfinished = unfinishedPath(cluster)
  await mkdir(unfinished, { mode: 0o700 })
  if (user !== null) await lchown(unfinished, user.uid, user.gid)
  await runInitdb(unfinished, program, user)
  await rmdir(cluster).catch(() => undefined)
  try {
    await rename(unfinished, cluster)
  } catch (error) {
    // Another starter was faster; its cluster is as good.
    await rm(unfinished, { recursive: true, force: true })
    if ((await majorVersion(cluster)) === null) throw error
    return
  }
  const folder = await open(home, 'r')
  await folder.sync().finally(() => folder.close())
}

async function runInitdb(directory: string, program: string, user: Place['user']): Promise<void> {
  const child = spawn(
    join(program, 'bin/initdb'),
    [
      `--pgdata=${directory}`,
      `--username=${superuser}`,
      '--encoding=UTF8',
      '--locale=C',
      '--auth-local=trust',
      '--auth-host=reject',
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    {
      cwd: '/',
      // With TZ set, initdb need not compare all zones with the system's.
      env: { LC_ALL: 'C', TZ: 'UTC' },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(user === null ? {} : { uid: user.uid, gid: user.gid }),
    },
  )
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk
  })
  child.stderr.on('data', (chunk: Buffer) => {
    output += chunk
  })
  const ended = await new Promise<string | null>((resolve) => {
    child.on('error', (error) => resolve(error.message))
    child.on('close', (code, signal) =>
      resolve(code === 0 ? null : `${signal ?? `exit code ${code}`}`),
    )
  })
  if (ended === null) return
  await rm(directory, { recursive: true, force: true })
  const lastWords = output.trim().split('\n').slice(-5).join('\n')
  throw new EmbeddedPostgresError(`initdb of PostgreSQL failed (${ended}): ${lastWords}`)
}
