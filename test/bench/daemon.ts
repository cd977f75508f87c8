import { type ChildProcess, spawn } from 'node:child_process'
import { chmod, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { packageRoot } from '../../src/cli/package-root.ts'

type Door = { host: string; port: number }

/** On a disk, and open to the user as whom PostgreSQL runs when we are root. */
export async function createDataDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'hearback-bench-'))
  await chmod(directory, 0o711)
  return directory
}

/** The built program, on the embedded default in `dataDir` and on ports that are free. */
export function startDaemon(dataDir: string, env: Record<string, string>): ChildProcess {
  return spawn(process.execPath, [join(packageRoot(), 'dist/main.js'), 'serve'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      HEARBACK_DATA_DIR: dataDir,
      HEARBACK_SMTP_PORT: '0',
      HEARBACK_HTTP_PORT: '0',
      HEARBACK_ADMIN_PORT: '0',
      ...env,
    },
  })
}

/** Where it listens, once it does. */
export async function doorsOf(daemon: ChildProcess): Promise<{ http: Door; smtp: Door }> {
  const { stderr } = daemon
  if (!stderr) throw new Error('the daemon has no standard error')
  let last = ''
  for await (const line of createInterface({ input: stderr })) {
    last = line
    const { http, smtp } = JSON.parse(line) as { http?: Door; smtp?: Door }
    if (http && smtp) {
      stderr.resume()
      return { http, smtp }
    }
  }
  throw new Error(`the daemon ended before it was ready: ${last}`)
}
