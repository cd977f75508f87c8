import type { Sql } from '../db/sql.ts'
import { recountDays } from './daily-figures.ts'

/** A walk over rows in order of their ids; `last` is null at the end. */
export type Walk<Place> = { last: Place | null; found: string[] }

/** The next messages that led to feedback about an address, after `after` (`null`: from the first on). */
export async function listMessagesAbout(
  sql: Sql,
  tenantId: number,
  address: string,
  { after, limit }: { after: string | null; limit: number },
): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    select distinct received_message_id as id
    from feedback
    where tenant_id = ${tenantId} and recipient = ${address} and received_message_id is not null
      ${after === null ? sql`` : sql`and received_message_id > ${after}`}
    order by received_message_id
    limit ${limit}`
  return rows.map(({ id }) => id)
}

/** How far one look goes: so many rows, but the first one whatever it has. */
export type Stride<Place> = { after: Place | null; limit: number; maxBytes: number }

/** Those of the next messages whose envelope or report mentions somebody (mentionPattern). */
export async function findMentioningMessages(
  sql: Sql,
  tenantId: number,
  pattern: string,
  { after, limit, maxBytes }: Stride<string>,
): Promise<Walk<string>> {
  const [row] = await sql<Walk<string>[]>`
    select
      max(id::text) as last,
      coalesce(
        array_agg(id::text) filter (
          where concat_ws(' ', mail_from, rcpt_to, report::text) ~* ${pattern}),
        '{}') as found
    from (
      select id, mail_from, rcpt_to, report, sum(size_bytes) over (order by id) as up_to_here,
        row_number() over (order by id) as place
      from (
        select received_message_id as id, mail_from, rcpt_to, report, size_bytes
        from received_message
        where tenant_id = ${tenantId}
          ${after === null ? sql`` : sql`and received_message_id > ${after}`}
        order by received_message_id
        limit ${limit}
      ) as next
    ) as weighed
    where place = 1 or up_to_here <= ${maxBytes}`
  return row ?? { last: null, found: [] }
}

/** Where in the bytes of which mail a piece of them begins, counted from 0. */
export type RawPiece = { mailId: string; start: number }

/** Far less than a stride, so that there is always a next one. */
const pieceBytes = 1024 * 1024
/** More than any address takes in any spelling: one that is cut by a piece stands whole in the next. */
const overlapBytes = 4 * 1024

/** Those of the next messages whose bytes mention somebody; large ones are looked through in pieces. */
export async function findMentioningRaw(
  sql: Sql,
  tenantId: number,
  pattern: string,
  { after, limit, maxBytes }: Stride<RawPiece>,
): Promise<Walk<RawPiece>> {
  const rows = await sql<(RawPiece & { isFound: boolean })[]>`
    select mail_id, start, encode(substring(raw from start + 1 for ${pieceBytes + overlapBytes}), 'escape') ~* ${pattern} as is_found
    from (
      select mail_id, start, raw,
        sum(least(octet_length(raw) - start, ${pieceBytes + overlapBytes})) over (order by mail_id, start) as up_to_here
      from (
        select mail_id, raw
        from raw_message
        where tenant_id = ${tenantId} ${after === null ? sql`` : sql`and mail_id >= ${after.mailId}`}
        order by mail_id
        limit ${limit}
      ) as next
      cross join lateral generate_series(0, greatest(octet_length(raw) - 1, 0), ${pieceBytes}) as start
      ${after === null ? sql`` : sql`where (mail_id, start) > (${after.mailId}::uuid, ${after.start}::int)`}
    ) as weighed
    where up_to_here <= ${maxBytes}
    order by mail_id, start`
  const last = rows.at(-1)
  const found = rows.filter(({ isFound }) => isFound).map(({ mailId }) => mailId)
  return {
    last: last ? { mailId: last.mailId, start: last.start } : null,
    found: [...new Set(found)],
  }
}

/** Leaves of messages what does not mention anybody; gives back the ids of their mail. */
export async function blankMessages(
  sql: Sql,
  tenantId: number,
  receivedMessageIds: readonly string[],
  pattern: string,
): Promise<string[]> {
  if (receivedMessageIds.length === 0) return []
  const rows = await sql<{ mailId: string }[]>`
    update received_message
    set
      report = null,
      mail_from = case when mail_from ~* ${pattern} then '' else mail_from end,
      rcpt_to = case when rcpt_to ~* ${pattern} then '' else rcpt_to end
    where tenant_id = ${tenantId} and received_message_id = any(${receivedMessageIds}::uuid[])
    returning mail_id`
  return [...new Set(rows.map(({ mailId }) => mailId))]
}

/** Up to `limit` rows of history get the name that stands for an address; the number of rows. */
export async function eraseFeedback(
  sql: Sql,
  tenantId: number,
  { address, form }: { address: string; form: string },
  limit: number,
): Promise<number> {
  const [row] = await sql<{ count: number }[]>`
    with written as (
      update feedback
      set recipient = ${form}, reason = null, source = null, message_reference = null
      where tenant_id = ${tenantId} and feedback_id = any(array(
        select feedback_id
        from feedback
        where tenant_id = ${tenantId} and recipient = ${address}
        limit ${limit}))
      returning tenant_id, reported_at
    ),
    recounted as (${recountDays(sql)})
    select count(*)::int as count from written`
  return row?.count ?? 0
}

/** The same of the audit trail: that something was changed, by whom and when, stays. */
export async function eraseAudit(
  sql: Sql,
  tenantId: number,
  { address, form }: { address: string; form: string },
  limit: number,
): Promise<number> {
  const erased = await sql`
    update audit_entry
    set address = ${form}, reason = null, detail = '{}'
    where tenant_id = ${tenantId} and audit_entry_id = any(array(
      select audit_entry_id
      from audit_entry
      where tenant_id = ${tenantId} and address = ${address}
      limit ${limit}))`
  return erased.count
}

/** How much history and how many changes by hand there are of an address. */
export async function countRecords(
  sql: Sql,
  tenantId: number,
  address: string,
): Promise<{ feedback: number; auditEntries: number }> {
  const [row] = await sql<{ feedback: number; auditEntries: number }[]>`
    select
      (
        select count(*) from feedback where tenant_id = ${tenantId} and recipient = ${address}
      )::int as feedback,
      (
        select count(*) from audit_entry where tenant_id = ${tenantId} and address = ${address}
      )::int as audit_entries`
  return row ?? { feedback: 0, auditEntries: 0 }
}
