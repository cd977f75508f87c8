import { readFile, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { EmbeddedPostgresError } from './embedded-error.ts'

/** Whom PostgreSQL runs as. `null` stands for the user who runs this process. */
export type ServerUser = { name: string; uid: number; gid: number } | null

const candidates = ['hearback', 'postgres', 'nobody']

/** PostgreSQL refuses to run as root: then the first of hearback, postgres and nobody that exists. */
export async function chooseServerUser(): Promise<ServerUser> {
  if (process.getuid?.() !== 0) return null
  const accounts = await readAccounts()
  for (const name of candidates) {
    const account = accounts.find((found) => found.name === name)
    if (account !== undefined && account.uid !== 0) return account
  }
  throw new EmbeddedPostgresError(
    'PostgreSQL does not run as root, and there is none of the users hearback, postgres and nobody. ' +
      'Create one (useradd --system hearback), run hearback as another user, or set DATABASE_URL.',
  )
}

/**
 * Whom PostgreSQL runs as on a cluster that exists: its owner, for PostgreSQL starts for nobody else.
 * Only root may become that owner.
 */
export async function ownerOf(cluster: string): Promise<ServerUser> {
  const { uid, gid } = await stat(cluster)
  const self = process.getuid?.()
  if (uid === self && uid !== 0) return null
  const accounts = await readAccounts()
  const name = accounts.find((account) => account.uid === uid)?.name ?? String(uid)
  if (self === 0 && uid !== 0) return { name, uid, gid }
  throw new EmbeddedPostgresError(
    self === 0
      ? `${cluster} belongs to root, as whom PostgreSQL does not run: give it to another user (chown -R).`
      : `${cluster} belongs to the user ${name}: run this command as ${name} or as root.`,
  )
}

/** Whether the user may pass through `path` and all folders above it, or run it; links resolved. */
export async function canEnter(user: ServerUser, path: string): Promise<boolean> {
  if (user === null) return true
  for (let folder = path; ; folder = dirname(folder)) {
    const { mode, uid, gid } = await stat(folder)
    const shift = uid === user.uid ? 6 : gid === user.gid ? 3 : 0
    if (((mode >> shift) & 1) === 0) return false
    if (folder === dirname(folder)) return true
  }
}

async function readAccounts(): Promise<{ name: string; uid: number; gid: number }[]> {
  const lines = (await readFile('/etc/passwd', 'utf8')).split('\n')
  return lines.flatMap((line) => {
    const [name, , uid, gid] = line.split(':')
    if (name === undefined || uid === undefined || gid === undefined) return []
    // macOS writes the user nobody as -2.
    return [{ name, uid: Number(uid) >>> 0, gid: Number(gid) >>> 0 }]
  })
}
