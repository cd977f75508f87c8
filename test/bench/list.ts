import { startEmbedded } from '../../src/db/embedded.ts'
import { migrate } from '../../src/db/migrate.ts'
import { connect, createDatabase, type Database } from '../../src/db/sql.ts'
import { countSuppressions } from '../../src/suppression/counts.ts'
import { type ListWindow, listSuppressions } from '../../src/suppression/list.ts'
import { removeDataDirectory } from '../support/data-directory.ts'
import { createDataDirectory } from './daemon.ts'
import { printRounds, type Round } from './figures.ts'

const tenants = 4
const entries = 500_000
const limit = 100
const rounds = 21
const key = { list: 'bounces', groupId: 0 } as const
const everybody = { address: null, from: null, before: null }
const log = { info: () => undefined, error: console.error }

/** Pages of one tenant's 500,000 bounces among 2 M, by offset and by cursor, in microseconds. */
export async function benchList(): Promise<void> {
  const dataDir = await createDataDirectory()
  const server = await startEmbedded({ dataDir, purpose: 'daemon', log })
  const db = createDatabase(server.connection)
  try {
    await fill(server.connection)
    const deep = await lastOf(db, 100_000)
    const windows: Record<string, ListWindow> = {
      'first page': { limit, offset: 0 },
      'offset 100,000': { limit, offset: 100_000 },
      'cursor at 100,000': { limit, after: deep },
      'cursor at 400,000': { limit, after: await lastOf(db, 400_000) },
    }
    const results: Round[] = []
    for (let round = -1; round < rounds; round++) {
      const result: Round = {}
      for (const [name, window] of Object.entries(windows)) {
        result[name] = await microseconds(() => page(db, window))
      }
      result['total of the list'] = await microseconds(() =>
        db.run((sql) => countSuppressions(sql, 1, 'bounces')),
      )
      if (round >= 0) results.push(result)
    }
    console.log(`pages of ${limit}, median of ${rounds} rounds`)
    printRounds('µs', results, 'first page')
  } finally {
    await db.close()
    await server.stop()
    await removeDataDirectory(dataDir)
  }
}

function page(db: Database, window: ListWindow) {
  return db.run((sql) => listSuppressions(sql, 1, key, everybody, window, new Date()))
}

async function lastOf(db: Database, offset: number) {
  const last = (await page(db, { limit, offset: offset - limit })).at(-1)
  if (!last) throw new Error('the list is shorter than that')
  return last
}

async function microseconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return (performance.now() - start) * 1000
}

/** A fifth of the addresses came in one import and share their moment. */
async function fill(target: Parameters<typeof connect>[0]): Promise<void> {
  const sql = connect(target, { maxConnections: 1 })
  await migrate(sql)
  await sql`set statement_timeout = 0`
  await sql`
    insert into suppression (
      tenant_id, address, list, created_at, origin, suppresses_until, hard_until, bounce_class,
      status, reason)
    select
      tenant, md5(n::text || tenant) || '@example.com', 'bounces',
      case when n % 5 = 0 then timestamptz '2026-06-01'
        else timestamptz '2026-01-01' + n * interval '40 seconds' end,
      'report', 'infinity', 'infinity', 'hard', '5.1.1', '550 5.1.1 User unknown'
    from generate_series(1, ${tenants}::int) as tenant, generate_series(1, ${entries}::int) as n`
  await sql`
    insert into suppression_count (tenant_id, list, group_id, slot, entries)
    select tenant, 'bounces', 0, slot, ${entries}::int / 64
    from generate_series(1, ${tenants}::int) as tenant, generate_series(0, 63) as slot`
  await sql`vacuum analyze suppression`
  await sql`vacuum analyze suppression_count`
  await sql.end()
}
