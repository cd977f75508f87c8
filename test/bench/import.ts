import type { ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream, createWriteStream, readFileSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type postgres from 'postgres'
import { startEmbedded } from '../../src/db/embedded.ts'
import { connect } from '../../src/db/sql.ts'
import { removeDataDirectory } from '../support/data-directory.ts'
import { createDataDirectory, doorsOf, startDaemon } from './daemon.ts'
import { printRounds, type Round } from './figures.ts'

const rows = 1_000_000
const rounds = 5
const apiKey = 'hb_live_0123456789abcdef0123456789abcdef01234567'
const log = { info: () => undefined, error: console.error }

/**
 * A million rows of CSV onto the list of bounces: sent to the daemon over HTTP, against COPY to a
 * staging table and one statement that fills the same tables. Client, daemon and PostgreSQL share
 * this machine; tables are emptied and a checkpoint is made before each.
 */
export async function benchImport(): Promise<void> {
  const dataDir = await createDataDirectory()
  const file = join(dataDir, 'bounces.csv')
  await writeFile(file)
  const daemon = startDaemon(dataDir, { HEARBACK_BOOTSTRAP_API_KEY: apiKey })
  const { port } = (await doorsOf(daemon)).http
  const server = await startEmbedded({ dataDir, purpose: 'command', log })
  const sql = connect(server.connection, { maxConnections: 1 })
  try {
    await sql`set statement_timeout = 0`
    await sql`create unlogged table staging (email text, reason text)`
    const contenders: Record<string, () => Promise<void>> = {
      'COPY, insert … on conflict': () => copyAndInsert(sql, file, false),
      'the same in order of address': () => copyAndInsert(sql, file, true),
      'hearback over HTTP': () => upload(port, file),
    }
    const results: Round[] = []
    for (let round = 0; round < rounds; round++) {
      const result: Round = {}
      for (const [name, run] of Object.entries(contenders)) {
        result[name] = await rowsPerSecond(sql, run)
      }
      results.push(result)
    }
    console.log(
      `${rows.toLocaleString('en')} rows, median of ${rounds} rounds; the daemon took ${peakMegabytes(daemon)} MB at most`,
    )
    printRounds('rows/s', results, 'COPY, insert … on conflict')
  } finally {
    await sql.end()
    await server.stop()
    daemon.kill('SIGTERM')
    await once(daemon, 'exit')
    await removeDataDirectory(dataDir)
  }
}

async function rowsPerSecond(sql: postgres.Sql, run: () => Promise<void>): Promise<number> {
  await sql`truncate suppression, suppression_count, outbox, staging`
  await sql`checkpoint`
  const begin = performance.now()
  await run()
  const seconds = (performance.now() - begin) / 1000
  const [row] = await sql<{ entries: number }[]>`select count(*)::int as entries from suppression`
  if (row?.entries !== rows) throw new Error(`${row?.entries} entries instead of ${rows}`)
  return rows / seconds
}

/** Addresses in no order, as exports have them by time. */
async function writeFile(path: string): Promise<void> {
  const file = createWriteStream(path)
  file.write('email,reason\n')
  for (let from = 0; from < rows; from += 10_000) {
    const lines = Array.from({ length: 10_000 }, (_, n) => {
      const hash = createHash('md5')
        .update(String(from + n))
        .digest('hex')
      const address = `${hash.slice(0, 8)}.${from + n}@example${n % 997}.com`
      return `${address},550 5.1.1 <${address}>: User unknown\n`
    })
    if (!file.write(lines.join(''))) await once(file, 'drain')
  }
  file.end()
  await once(file, 'close')
}

async function copyAndInsert(sql: postgres.Sql, file: string, isOrdered: boolean): Promise<void> {
  const target = await sql`copy staging from stdin (format csv, header true)`.writable()
  await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), target)
  const order = isOrdered ? sql`order by lower(trim(email)) collate "C"` : sql``
  await sql`
    with added as (
      insert into suppression (
        tenant_id, address, list, group_id, created_at, origin, import_line, suppresses_until,
        hard_until, bounce_class, reason)
      select
        1, lower(trim(email)), 'bounces', 0, now(), 'import', '{}', 'infinity', 'infinity', 'hard',
        reason
      from staging
      ${order}
      on conflict do nothing
      returning list, group_id, address
    ),
    counted as (
      insert into suppression_count (tenant_id, list, group_id, slot, entries)
      select 1, list, group_id, 0, count(*) from added group by list, group_id
    )
    insert into outbox (tenant_id, outbox_id, written_at, change, list, group_id, detail)
    select
      1, gen_random_uuid(), now(), 'added', 'bounces', 0,
      jsonb_build_object('addresses', jsonb_agg(address))
    from (select address, row_number() over () / 5000 as chunk from added) as chunks
    group by chunk`
}

async function upload(port: number, file: string): Promise<void> {
  const call = request({
    port,
    host: '127.0.0.1',
    method: 'POST',
    path: '/v3/suppression/bounces/import',
    headers: {
      authorization: `Bearer ${apiKey}`,
      'content-type': 'text/csv',
      'content-length': (await stat(file)).size,
    },
  })
  const answered = once(call, 'response')
  await pipeline(createReadStream(file), call)
  const [response] = await answered
  let body = ''
  for await (const chunk of response.setEncoding('utf8')) body += chunk
  if (JSON.parse(body).imported !== rows) throw new Error(body.slice(0, 500))
}

/** High water of resident memory. */
function peakMegabytes({ pid }: ChildProcess): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Math.round(Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024)
}
