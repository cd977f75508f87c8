import { chmod, mkdtemp, realpath, rm, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { stopPostmaster } from '../../src/db/embedded-postmaster.ts'

/** Where data directories of tests stand: in memory where there is room, for `fsync` takes long. */
export async function findTestFolder(): Promise<string> {
  const memory = await statfs('/dev/shm').catch(() => null)
  const hasRoom = memory !== null && memory.bavail * memory.bsize > 4e9
  return hasRoom ? '/dev/shm' : await realpath(tmpdir())
}

/** An empty folder that every user may enter: as root, PostgreSQL runs as another user. */
export async function createDataDirectory(prefix = 'hearback-data-'): Promise<string> {
  const directory = await mkdtemp(join(await findTestFolder(), prefix))
  await chmod(directory, 0o711)
  return directory
}

/** Stops the server that may still run there, and removes its files wherever they are. */
export async function removeDataDirectory(directory: string): Promise<void> {
  const cluster = await realpath(join(directory, 'postgres')).catch(() => null)
  if (cluster !== null) {
    await stopPostmaster(cluster)
    if (dirname(cluster) !== directory) await rm(dirname(cluster), { recursive: true })
  }
  await rm(directory, { recursive: true, force: true })
}
