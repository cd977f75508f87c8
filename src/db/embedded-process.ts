import { execFile } from 'node:child_process'
import { readFile, readlink } from 'node:fs/promises'
import { promisify } from 'node:util'
import { errorCode } from './embedded-error.ts'

/** Whether there is a process of this number, whoever it is. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return errorCode(error) === 'EPERM'
  }
}

/**
 * Whether this process is the server of `cluster`. Numbers are given out again, in containers at
 * once, and a process that nobody waits for keeps its number after its end.
 */
export async function isServer(pid: number, cluster: string): Promise<boolean> {
  if (!Number.isInteger(pid) || pid <= 0 || !isAlive(pid)) return false
  if (process.platform === 'linux') {
    const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    if (commandLine.split('\0').includes(cluster)) return true
    // It works in its data directory, also after somebody has moved that.
    return (await readlink(`/proc/${pid}/cwd`).catch(() => null)) === cluster
  }
  const { stdout } = await promisify(execFile)('/bin/ps', [
    ...['-o', 'command=', '-p', String(pid)],
  ]).catch(() => ({ stdout: '' }))
  return stdout.includes(` -D ${cluster} `)
}
