import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'

/** Tests that need one are skipped, visibly, on a machine without it. */
export const hasRedisServer = spawnSync('redis-server', ['--version']).status === 0

export type TestRedis = {
  url: string
  port: number
  /** SIGSTOP: it takes connections and bytes, and says nothing. */
  freeze(): void
  thaw(): void
  /** `kill -9` */
  kill(): Promise<void>
  /** Again, on the same port and empty. */
  start(): Promise<void>
  /** A command of redis-cli. */
  command(...words: string[]): string
}

/** A real Redis on a free port, without files. Kill it in afterAll. */
export async function startRedis(...options: string[]): Promise<TestRedis> {
  const port = await freePort()
  let server: ChildProcess
  async function start(): Promise<void> {
    const fixed = [
      '--port',
      String(port),
      '--bind',
      '127.0.0.1',
      '--save',
      '',
      '--appendonly',
      'no',
    ]
    server = spawn('redis-server', [...fixed, ...options], { stdio: ['ignore', 'pipe', 'inherit'] })
    let said = ''
    for await (const chunk of server.stdout ?? []) {
      said += chunk
      if (said.includes('Ready to accept connections')) break
    }
  }
  await start()
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    freeze: () => void server.kill('SIGSTOP'),
    thaw: () => void server.kill('SIGCONT'),
    async kill() {
      if (server.exitCode !== null || server.signalCode !== null) return
      const exited = once(server, 'exit')
      server.kill('SIGKILL')
      await exited
    },
    start,
    command: (...words) =>
      spawnSync('redis-cli', ['-p', String(port), ...words], { encoding: 'utf8' }).stdout.trim(),
  }
}

export async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
  const address = probe.address()
  await new Promise((resolve) => probe.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}
