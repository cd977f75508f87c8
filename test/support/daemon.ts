import { type ChildProcess, spawn } from 'node:child_process'
import { join, resolve } from 'node:path'
import { afterAll } from 'vitest'

export type Address = { host: string; port: number }
export type Exit = { code: number | null; signal: NodeJS.Signals | null }

export type RunningDaemon = {
  pid: number
  smtp: Address
  http: Address
  admin: Address
  /** Everything that it has said so far. */
  stdout(): string
  stderr(): string
  /** Resolves with the part of the output that matches; rejects when the program ends before. */
  said(output: 'stdout' | 'stderr', pattern: RegExp): Promise<string>
  exited: Promise<Exit>
  /** SIGTERM; resolves when the process is gone. */
  stop(): Promise<Exit>
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<Exit>
}

/** A command that came to its end by itself. */
export type Finished = Exit & { stdout: string; stderr: string }

export type Program = {
  pid: number
  stdout(): string
  stderr(): string
  signal(name: NodeJS.Signals): void
  exited: Promise<Exit>
  /** Resolves with the part of the output that matches; rejects when the program ends before. */
  said(output: 'stdout' | 'stderr', pattern: RegExp): Promise<string>
}

type Environment = Record<string, string>

export type Start = {
  env?: Environment
  /** Where relative paths begin; what is not named by `env` lands there. */
  cwd?: string
  input?: string | Buffer
}

const main = resolve(import.meta.dirname, '../../dist/main.js')

/** Any free port on this machine for every door, and nothing of the environment of the tests. */
const freePorts = {
  HEARBACK_SMTP_PORT: '0',
  HEARBACK_HTTP_PORT: '0',
  HEARBACK_ADMIN_PORT: '0',
}

const running = new Map<ChildProcess, Promise<Exit>>()
// The last of all hooks of a file: a test that was given up must not leave daemons behind.
afterAll(async () => {
  for (const child of running.keys()) child.kill('SIGTERM')
  await Promise.all(running.values())
})

/** Commands are done long before; a daemon that starts where it should not is ended. */
const patienceMs = 20_000

/** The built program, as an operator starts it. Resolves when it says that it is ready. */
export async function startDaemon(env: Environment, cwd?: string): Promise<RunningDaemon> {
  const program = startProgram(['serve'], { env, ...(cwd === undefined ? {} : { cwd }) })
  const ready = JSON.parse(await program.said('stderr', /^\{.*"hearback is ready".*\}$/m))
  const end = (name: NodeJS.Signals): Promise<Exit> => {
    program.signal(name)
    return program.exited
  }
  return {
    pid: program.pid,
    smtp: ready.smtp,
    http: ready.http,
    admin: ready.admin,
    stdout: program.stdout,
    stderr: program.stderr,
    said: program.said,
    exited: program.exited,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
  }
}

/** The built program with these arguments, until it ends. */
export async function hearback(args: readonly string[], start: Start = {}): Promise<Finished> {
  const program = startProgram(args, start)
  const timer = setTimeout(() => program.signal('SIGTERM'), patienceMs)
  const exit = await program.exited
  clearTimeout(timer)
  return { ...exit, stdout: program.stdout(), stderr: program.stderr() }
}

export function startProgram(
  args: readonly string[],
  { env = {}, cwd, input }: Start = {},
): Program {
  const child = spawn(process.execPath, [main, ...args], {
    cwd: cwd ?? join(main, '../..'),
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...freePorts, ...env },
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  })
  const stdout = collect(child.stdout)
  const stderr = collect(child.stderr)
  child.stdin?.on('error', () => undefined)
  child.stdin?.end(input)
  const exited = new Promise<Exit>((done, fail) => {
    child.once('error', fail)
    child.once('close', (code, signal) => {
      running.delete(child)
      done({ code, signal })
    })
  })
  running.set(child, exited)
  return {
    pid: child.pid ?? 0,
    stdout: stdout.text,
    stderr: stderr.text,
    signal: (name) => void child.kill(name),
    exited,
    said: (output, pattern) =>
      new Promise((done, fail) => {
        const source = output === 'stdout' ? stdout : stderr
        const look = (): void => {
          const found = pattern.exec(source.text())?.[0]
          if (found !== undefined) done(found)
        }
        source.onMore(look)
        look()
        void exited.then(({ code, signal }) =>
          fail(new Error(`exit ${code ?? signal}: ${stderr.text()}${stdout.text()}`)),
        )
      }),
  }
}

function collect(stream: NodeJS.ReadableStream | null) {
  let text = ''
  const listeners: (() => void)[] = []
  stream?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
    for (const listener of listeners) listener()
  })
  return { text: () => text, onMore: (listener: () => void) => void listeners.push(listener) }
}
