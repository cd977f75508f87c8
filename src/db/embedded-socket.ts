import { lchown, lstat, mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EmbeddedPostgresError, errorCode } from './embedded-error.ts'
import type { Place } from './embedded-place.ts'

/** Linux has room for 107 bytes in a socket's address, macOS for 103. */
const maxSocketPathBytes = 100

/**
 * The folder of the server's socket: the cluster, which only its user may enter, or where that path
 * is too long a private folder of a short name.
 */
export async function ensureSocketDirectory({ cluster, hash, user }: Place): Promise<string> {
  if (fits(cluster)) return cluster
  const name = `hearback-${hash}`
  const folder = fits(join(tmpdir(), name)) ? join(tmpdir(), name) : join('/tmp', name)
  try {
    await mkdir(folder, { mode: 0o700 })
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error
  }
  const self = process.getuid?.()
  const { mode, uid } = await lstat(folder)
  const isPrivate = (mode & 0o170777) === 0o040700
  if (isPrivate && uid === self && user !== null) await lchown(folder, user.uid, user.gid)
  if (isPrivate && (uid === self || uid === user?.uid)) return folder
  throw new EmbeddedPostgresError(
    `${folder}, where PostgreSQL's socket belongs, is not a private folder of its user: remove it.`,
  )
}

function fits(folder: string): boolean {
  return Buffer.byteLength(join(folder, '.s.PGSQL.65535')) <= maxSocketPathBytes
}
