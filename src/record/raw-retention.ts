import type { Database, Sql } from '../db/sql.ts'

/** How many bytes a tenant keeps of its messages, and how many of the oldest are too many. */
export type RawExcess = { tenantId: number; kept: number; excess: number }

/**
 * What has to go when the bytes of all messages may take `maxBytes`, as PostgreSQL stores them: of
 * those tenants alone who keep most, so that nobody loses mail because another one is sent much.
 * Empty: there is room.
 */
export async function findRawExcess(db: Database, maxBytes: number): Promise<RawExcess[]> {
  // To weigh all rows takes long; the table is never smaller than they are.
  if ((await db.run(sizeOfTable)) <= maxBytes) return []
  const kept = await weighAll(db)
  const share = largestShare([...kept.values()], maxBytes)
  return [...kept]
    .map(([tenantId, bytes]) => ({ tenantId, kept: bytes, excess: bytes - share }))
    .filter(({ excess }) => excess > 0)
}

async function sizeOfTable(sql: Sql): Promise<number> {
  const [row] = await sql<{ bytes: number }[]>`
    select pg_table_size('raw_message')::float8 as bytes`
  return row?.bytes ?? 0
}

/** What each may keep so that all together keep no more than `maxBytes`. */
function largestShare(kept: readonly number[], maxBytes: number): number {
  let left = maxBytes
  const ascending = [...kept].sort((a, b) => a - b)
  for (const [place, bytes] of ascending.entries()) {
    const share = left / (ascending.length - place)
    if (bytes > share) return share
    left -= bytes
  }
  return Number.POSITIVE_INFINITY
}

const rowsALook = 20_000

type Place = { tenantId: number; mailId: string }

/** The bytes of each tenant's messages, page by page. */
async function weighAll(db: Database): Promise<Map<number, number>> {
  const kept = new Map<number, number>()
  let after: Place | null = null
  do {
    const page: RawPage = await db.run((sql) => weighNext(sql, after))
    for (const { tenantId, bytes } of page.weights) {
      kept.set(tenantId, (kept.get(tenantId) ?? 0) + bytes)
    }
    after = page.last
  } while (after !== null)
  return kept
}

type RawPage = { weights: { tenantId: number; bytes: number }[]; last: Place | null }

async function weighNext(sql: Sql, after: Place | null): Promise<RawPage> {
  const weights = await sql<{ tenantId: number; bytes: number; last: string }[]>`
    select tenant_id, sum(size)::float8 as bytes, max(mail_id::text) as last
    from (
      select tenant_id, mail_id, pg_column_size(raw) as size
      from raw_message
      ${after === null ? sql`` : sql`where (tenant_id, mail_id) > (${after.tenantId}::int, ${after.mailId}::uuid)`}
      order by tenant_id, mail_id
      limit ${rowsALook}
    ) as page
    group by tenant_id
    order by tenant_id`
  const end = weights.at(-1)
  return { weights, last: end ? { tenantId: end.tenantId, mailId: end.last } : null }
}

const rowsAPurge = 5_000
/** Large values take time to be deleted, too. */
const bytesAPurge = 256 * 1024 * 1024

export type Purged = { messages: number; bytes: number }

/** Deletes bytes of messages that came before a time, as many as one transaction bears. */
export async function purgeRawBefore(sql: Sql, before: Date): Promise<Purged> {
  const oldest: ReturnType<Sql> = sql`where received_at < ${before} order by received_at`
  return purge(sql, oldest, bytesAPurge)
}

/**
 * Deletes the oldest bytes of messages of a tenant until `excess` bytes are gone, as many as one
 * transaction bears. What is known of the messages themselves stays.
 */
export async function purgeOldestRaw(sql: Sql, tenantId: number, excess: number): Promise<Purged> {
  // Ids of mail are made in the order of time (RFC 9562 section 5.7).
  const oldest: ReturnType<Sql> = sql`where tenant_id = ${tenantId} order by mail_id`
  return purge(sql, oldest, Math.min(excess, bytesAPurge))
}

/** The first ones, until `bytes` are reached with the last of them. */
async function purge(sql: Sql, oldest: ReturnType<Sql>, bytes: number): Promise<Purged> {
  const [purged] = await sql<Purged[]>`
    with purged as (
      delete from raw_message
      where ctid = any(array(
        select row_id
        from (
          select row_id, sum(size) over (rows unbounded preceding) - size as bytes_before
          from (
            select ctid as row_id, pg_column_size(raw) as size
            from raw_message
            ${oldest}
            limit ${rowsAPurge}
            for update skip locked
          ) as oldest
        ) as weighed
        where bytes_before < ${bytes}))
      returning pg_column_size(raw) as size
    )
    select count(*)::int as messages, coalesce(sum(size), 0)::float8 as bytes from purged`
  return purged ?? { messages: 0, bytes: 0 }
}
