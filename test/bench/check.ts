import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { packageRoot } from '../../src/cli/package-root.ts'
import { startEmbedded } from '../../src/db/embedded.ts'
import { connect } from '../../src/db/sql.ts'
import { removeDataDirectory } from '../support/data-directory.ts'
import { createDataDirectory, doorsOf, startDaemon } from './daemon.ts'
import { median, printRounds, type Round } from './figures.ts'
import { createHttpClient, type HttpClient } from './http-client.ts'

const entries = 1_000_000
const rounds = 7
const roundMs = 2_000
const latencyMs = 4_000
const singleClients = 64
const batchClients = 4
const batchSize = 1_000
const key = 'key-of-the-benchmark'
const path = '/v3/suppression/check'

/**
 * Checks over HTTP with a million entries, every second address listed: one address a call, a
 * thousand a call, and the latency at half of what was reached. Beside them, in the same rounds, the
 * way through Express and a bare node:http server that reads the same calls and answers a constant.
 * Clients, daemon and PostgreSQL share this machine.
 */
export async function benchCheck(): Promise<void> {
  const dataDir = await createDataDirectory()
  const daemon = startDaemon(dataDir, { HEARBACK_BOOTSTRAP_API_KEY: key })
  const ceiling = startCeiling()
  try {
    const { port } = (await doorsOf(daemon)).http
    const [bare] = (await once(ceiling, 'message')) as [number]
    await fill(dataDir)
    const singles = await inTurn({
      'one address a call': () => perSecond(port, path, singleClients, 1),
      '… through Express': () => perSecond(port, `${path}?`, singleClients, 1),
      'bare node:http': () => perSecond(bare, path, singleClients, 1),
    })
    console.log(`${singleClients} connections, median of ${rounds} rounds`)
    printRounds('addresses/s', singles, 'bare node:http')
    const batches = await inTurn({
      'a thousand a call': () => perSecond(port, path, batchClients, batchSize),
      '… through Express': () => perSecond(port, `${path}?`, batchClients, batchSize),
      'bare node:http': () => perSecond(bare, path, batchClients, batchSize),
    })
    console.log(`${batchClients} connections, median of ${rounds} rounds`)
    printRounds('addresses/s', batches, 'bare node:http')
    await printLatency(port, median(singles.map((round) => round['one address a call'] ?? 0)) / 2)
  } finally {
    for (const child of [daemon, ceiling]) {
      child.kill('SIGTERM')
      await once(child, 'exit')
    }
    await removeDataDirectory(dataDir)
  }
}

/** Every contender in each round; the first round is not counted. */
async function inTurn(contenders: Record<string, () => Promise<number>>): Promise<Round[]> {
  const results: Round[] = []
  for (let round = -1; round < rounds; round++) {
    const result: Round = {}
    for (const [name, run] of Object.entries(contenders)) result[name] = await run()
    if (round >= 0) results.push(result)
  }
  return results
}

/** Addresses a second over so many connections, each of which waits for its answer. */
async function perSecond(
  port: number,
  path: string,
  connections: number,
  size: number,
): Promise<number> {
  const begin = performance.now()
  const counts = await Promise.all(
    Array.from({ length: connections }, async () => {
      const client = createHttpClient(port, key)
      let count = 0
      while (performance.now() - begin < roundMs) {
        await ask(client, path, size)
        count += size
      }
      client.close()
      return count
    }),
  )
  const sum = counts.reduce((total, count) => total + count, 0)
  return (sum * 1000) / (performance.now() - begin)
}

async function ask(client: HttpClient, path: string, size: number): Promise<void> {
  const numbers = Array.from({ length: size }, () => Math.floor(Math.random() * 2 * entries))
  const emails = numbers.map((number) => `"user${number}@example.com"`).join()
  const text = await client.post(path, `{"emails":[${emails}]}`)
  const isListed = (numbers[0] ?? 0) < entries
  const isRight = text.startsWith('{"constant"') || text.includes(`"suppressed":${isListed}`)
  if (!isRight) throw new Error(`${numbers[0]}: ${text.slice(0, 200)}`)
}

async function printLatency(port: number, perSecond: number): Promise<void> {
  const runs: number[][] = []
  for (let round = 0; round < rounds; round++) runs.push(await percentiles(port, perSecond))
  const [p50, p99, p999] = parts.map((_, part) => median(runs.map((run) => run[part] ?? 0)))
  console.log(
    `${Math.round(perSecond)} calls/s of one address, median of ${rounds} rounds: p50 ${ms(p50)}, p99 ${ms(p99)}, p99.9 ${ms(p999)}`,
  )
}

const parts = [0.5, 0.99, 0.999]

/** Calls are made when they are due, however many are still open; each is timed from then on. */
async function percentiles(port: number, perSecond: number): Promise<number[]> {
  const idle = Array.from({ length: singleClients }, () => createHttpClient(port, key))
  const due: number[] = []
  const took: number[] = []
  const begin = performance.now()
  for (let made = 0; performance.now() < begin + latencyMs; ) {
    for (; made < ((performance.now() - begin) / 1000) * perSecond; made++) {
      due.push(begin + (made * 1000) / perSecond)
    }
    while (due.length > 0 && idle.length > 0) void work(idle.pop())
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  for (const client of idle) client.close()
  took.sort((a, b) => a - b)
  return parts.map((part) => took[Math.floor(took.length * part)] ?? Number.NaN)

  async function work(client: HttpClient | undefined): Promise<void> {
    if (!client) return
    for (let at = due.shift(); at !== undefined; at = due.shift()) {
      await ask(client, path, 1)
      took.push(performance.now() - at)
    }
    idle.push(client)
  }
}

function ms(value = Number.NaN): string {
  return `${value.toFixed(1)} ms`
}

function startCeiling(): ChildProcess {
  const program = `
    import { createServer } from 'node:http'
    const text = JSON.stringify({ constant: 'x'.repeat(200) })
    createServer((request, response) => {
      request.on('data', () => undefined)
      request.on('end', () => {
        response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': text.length })
        response.end(text)
      })
    }).listen(0, '127.0.0.1', function () { process.send(this.address().port) })
    process.once('SIGTERM', () => process.exit())`
  return spawn(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: packageRoot(),
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
}

/** The lists one after the other, and the addresses in no order, as they come in life. */
async function fill(dataDir: string): Promise<void> {
  const server = await startEmbedded({ dataDir, purpose: 'command', log: quiet })
  const sql = connect(server.connection, { maxConnections: 1 })
  await sql`set statement_timeout = 0`
  await sql`
    insert into suppression (
      tenant_id, address, list, group_id, created_at, origin, suppresses_until, hard_until,
      bounce_class)
    select
      1, 'user' || n || '@example.com',
      (array['bounces', 'spam_reports', 'global_unsubscribes', 'group_unsubscribes'])[n % 4 + 1],
      case when n % 4 = 3 then 1 else 0 end, now(), 'import', 'infinity',
      case when n % 4 = 0 then timestamptz 'infinity' end, case when n % 4 = 0 then 'hard' end
    from generate_series(0, ${entries}::int - 1) as n
    order by md5(n::text)`
  await sql`
    insert into suppression_group (tenant_id, group_id, name, is_default)
    values (1, 1, 'news', true)`
  await sql`vacuum analyze suppression`
  await sql.end()
  await server.stop()
}

const quiet = { info: () => undefined, error: console.error }
