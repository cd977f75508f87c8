import { readdir, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { isAlive } from './embedded-process.ts'

/**
 * What takes long is made under this name and renamed when it is complete: then whatever has the
 * final name is whole, and several processes may make it at once.
 */
export function unfinishedPath(path: string): string {
  return `${path}.new-${process.pid}`
}

/** Removes what processes left behind that were killed while they made `path`. */
export async function removeUnfinished(path: string): Promise<void> {
  for (const name of await readdir(dirname(path))) {
    if (!name.startsWith(`${basename(path)}.new-`)) continue
    const pid = Number(name.slice(name.lastIndexOf('-') + 1))
    if (pid !== process.pid && isAlive(pid)) continue
    // An orphaned initdb may still be writing there; what is left then goes the next time.
    await rm(join(dirname(path), name), { recursive: true, force: true }).catch(() => undefined)
  }
}
