import type { Database, Sql } from '../db/sql.ts'

/** Where in the order of time the bytes of a message stand. */
export type RawPosition = { receivedAt: Date; tenantId: number; mailId: string }

const rowsALook = 20_000

/**
 * The newest bytes that are too many when those of all messages may take `maxBytes`, as PostgreSQL
 * stores them; `null`: there is room. A look at all of them, page by page.
 */
export async function findRawBeyond(db: Database, maxBytes: number): Promise<RawPosition | null> {
  let after: RawPosition | null = null
  let left = maxBytes
  for (;;) {
    const page: RawPage = await db.run((sql) => weighNext(sql, after, left))
    if (page.beyond !== null) return page.beyond
    if (page.last === null) return null
    after = page.last
    left -= page.bytes
  }
}

type RawPage = {
  bytes: number
  last: RawPosition | null
  /** The first row of the page with which it is more than is left. */
  beyond: RawPosition | null
}

async function weighNext(sql: Sql, after: RawPosition | null, left: number): Promise<RawPage> {
  const rows = await sql<(RawPosition & { bytes: number; isBeyond: boolean; isLast: boolean })[]>`
    with page as (
      select received_at, tenant_id, mail_id, pg_column_size(raw) as size
      from raw_message
      ${after === null ? sql`` : sql`where ${place(sql)} < ${placeOf(sql, after)}`}
      order by received_at desc, tenant_id desc, mail_id desc
      limit ${rowsALook}
    ),
    weighed as (
      select
        received_at, tenant_id, mail_id,
        sum(size) over up_to_here as bytes,
        row_number() over up_to_here = count(*) over () as is_last
      from page
      window up_to_here as (order by received_at desc, tenant_id desc, mail_id desc)
    )
    (
      select received_at, tenant_id, mail_id, bytes::float8, true as is_beyond, is_last
      from weighed
      where bytes > ${left}
      order by bytes
      limit 1
    )
    union all
    select received_at, tenant_id, mail_id, bytes::float8, false, is_last
    from weighed
    where is_last`
  const position = (wanted: (row: (typeof rows)[number]) => boolean): RawPosition | null => {
    const row = rows.find(wanted)
    return row ? { receivedAt: row.receivedAt, tenantId: row.tenantId, mailId: row.mailId } : null
  }
  const last = rows.find(({ isBeyond, isLast }) => isLast && !isBeyond)
  return {
    bytes: last?.bytes ?? 0,
    last: position((row) => row.isLast && !row.isBeyond),
    beyond: position((row) => row.isBeyond),
  }
}

/** How far the oldest bytes go: to a time, or up to and with those of a message. */
export type RawLimit = { before: Date } | { upTo: RawPosition }

const rowsAPurge = 5_000
/** Large values take time to be deleted, too. */
const bytesAPurge = 256 * 1024 * 1024

/**
 * Deletes the oldest bytes of messages, as many as one transaction bears; the number deleted. 0: there
 * are no more. What is known of the messages themselves stays.
 */
export async function purgeRaw(sql: Sql, limit: RawLimit): Promise<number> {
  const isTooOld =
    'before' in limit
      ? sql`received_at < ${limit.before}`
      : sql`${place(sql)} <= ${placeOf(sql, limit.upTo)}`
  const purged = await sql`
    delete from raw_message
    where ctid = any(array(
      select row_id
      from (
        select
          row_id,
          sum(size) over oldest_first as bytes,
          row_number() over oldest_first as row_number
        from (
          select ctid as row_id, received_at, tenant_id, mail_id, pg_column_size(raw) as size
          from raw_message
          where ${isTooOld}
          order by received_at, tenant_id, mail_id
          limit ${rowsAPurge}
          for update skip locked
        ) as oldest
        window oldest_first as (order by received_at, tenant_id, mail_id)
      ) as weighed
      where bytes <= ${bytesAPurge} or row_number = 1))`
  return purged.count
}

function place(sql: Sql): ReturnType<Sql> {
  return sql`(received_at, tenant_id, mail_id)`
}

function placeOf(sql: Sql, { receivedAt, tenantId, mailId }: RawPosition): ReturnType<Sql> {
  return sql`(${receivedAt}::timestamptz, ${tenantId}::int, ${mailId}::uuid)`
}
