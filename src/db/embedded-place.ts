import { createHash, randomBytes } from 'node:crypto'
import {
  chmod,
  lstat,
  mkdir,
  readdir,
  readlink,
  realpath,
  rmdir,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { EmbeddedPostgresError, errorCode } from './embedded-error.ts'
import { canEnter, chooseServerUser, ownerOf, type ServerUser } from './embedded-user.ts'

/** Where the files of one embedded PostgreSQL stand, links resolved. */
export type Place = {
  dataDir: string
  /** Holds the cluster; the data directory itself wherever the server's user can enter that. */
  home: string
  /** PostgreSQL's own data directory; it need not exist yet. */
  cluster: string
  user: ServerUser
  /** Short name of this data directory. */
  hash: string
}

/** Where root puts what the server's user cannot reach in the data directory. */
export const systemFolder = '/var/lib/hearback'

/**
 * Decides where the cluster of a data directory stands, and makes the folders above it. It stands in
 * `<data directory>/postgres`, which is a link when that user cannot enter the data directory: the
 * link is the decision, made once, so that later changes of modes or a move lose no data.
 */
export async function findPlace(dataDirectory: string): Promise<Place> {
  const isRoot = process.getuid?.() === 0
  await makeFolders(dataDirectory, isRoot ? 0o711 : 0o700)
  const dataDir = await realpath(dataDirectory)
  const hash = createHash('sha256').update(dataDir).digest('hex').slice(0, 16)
  const link = join(dataDir, 'postgres')
  const found = await lstat(link).catch(ignoreMissing)
  if (found?.isSymbolicLink()) return await placeBehindLink(dataDir, link, hash)
  if (found !== null && !(await isEmpty(link))) {
    const user = await ownerOf(link)
    await mustEnter(user, dataDir)
    return { dataDir, home: dataDir, cluster: link, user, hash }
  }
  const user = await chooseServerUser()
  if (await canEnter(user, dataDir)) return { dataDir, home: dataDir, cluster: link, user, hash }
  await linkToSystemFolder(link, hash)
  return await placeBehindLink(dataDir, link, hash)
}

async function placeBehindLink(dataDir: string, link: string, hash: string): Promise<Place> {
  const target = resolve(dataDir, await readlink(link))
  const home = await realpath(dirname(target)).catch(ignoreMissing)
  if (home === null) {
    throw new EmbeddedPostgresError(
      `${link} leads to ${target}, and that is gone: the database of this data directory is not there. ` +
        `Bring it back, or remove ${link} to begin with an empty one.`,
    )
  }
  const cluster = join(home, basename(target))
  const isThere = (await stat(cluster).catch(ignoreMissing)) !== null
  const user = isThere ? await ownerOf(cluster) : await chooseServerUser()
  const { uid } = await lstat(link)
  if (uid !== process.getuid?.() && uid !== 0 && !(isThere && uid === user?.uid)) {
    throw new EmbeddedPostgresError(`${link} is a link of another user: that is not followed.`)
  }
  await mustEnter(user, home)
  return { dataDir, home, cluster, user, hash }
}

/** Two starters may come here at once; the one whose link stands first decides. */
async function linkToSystemFolder(link: string, hash: string): Promise<void> {
  await makeFolders(systemFolder, 0o755)
  // A folder of that name is that of a data directory that stood here before, and maybe moved away.
  const home = await makeFolder(join(systemFolder, hash)).catch(() =>
    makeFolder(join(systemFolder, `${hash}-${randomBytes(4).toString('hex')}`)),
  )
  try {
    await symlink(join(home, 'postgres'), link)
  } catch (error) {
    await rmdir(home)
    if (errorCode(error) !== 'EEXIST') throw error
    return
  }
  // For the operator who wonders whose folder this is.
  await writeFile(join(home, 'data-directory'), `${dirname(link)}\n`)
}

async function makeFolder(path: string): Promise<string> {
  await mkdir(path)
  await chmod(path, 0o711)
  return path
}

/** The mode is for the last folder, and only when it was not there. */
export async function makeFolders(path: string, mode: number): Promise<void> {
  const created = await mkdir(path, { recursive: true })
  // The mode that mkdir takes is cut by the umask.
  if (created !== undefined) await chmod(path, mode)
}

async function mustEnter(user: ServerUser, folder: string): Promise<void> {
  if (user === null || (await canEnter(user, folder))) return
  throw new EmbeddedPostgresError(
    `The database in ${folder} belongs to the user ${user.name}, who cannot enter that folder any more: ` +
      'let the user in (chmod a+x on the folder and those above it).',
  )
}

/** Such as a folder that was made by hand, by whomever. */
async function isEmpty(folder: string): Promise<boolean> {
  return await readdir(folder).then(
    (names) => names.length === 0,
    () => false,
  )
}

function ignoreMissing(error: unknown): null {
  if (errorCode(error) === 'ENOENT') return null
  throw error
}
