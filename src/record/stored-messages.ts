import type { Sql } from '../db/sql.ts'
import type { Outcome } from '../feedback/feedback.ts'
import type { Report } from '../feedback/report.ts'

/** What can have become of a message that is stored. */
export type StoredOutcome = Exclude<Outcome['result'], 'duplicate'>

export const storedOutcomes: readonly StoredOutcome[] = [
  'recorded',
  'ignored',
  'unattributed',
  'quarantined',
]

/** A message for one of its RCPT TO, as it lies in the database. */
export type StoredMessage = {
  receivedMessageId: string
  /** Shared by all RCPT TO of one message. */
  mailId: string
  receivedAt: Date
  mailFrom: string
  rcptTo: string
  helo: string
  remoteAddress: string
  tls: boolean
  sizeBytes: number
  outcome: StoredOutcome
  outcomeReason: string | null
  /** When an operator vouched for it. */
  releasedAt: Date | null
  /** Of its report; `null`: it could not be read, or that is kept no longer. */
  type: Report['type'] | null
  format: string | null
  /** Whether its bytes are kept. */
  hasRaw: boolean
}

/** Where in the order of time a message stands. */
export type MessagePosition = Pick<StoredMessage, 'receivedAt' | 'receivedMessageId'>

export type MessageFilter = {
  outcomes: readonly StoredOutcome[]
  /** Received at this time or later. */
  since: Date | null
  /** Received earlier than this. */
  before: Date | null
}

/** Newest first, those after (older than) a position, at most `limit`. Tenant 0: of no tenant. */
export async function listStoredMessages(
  sql: Sql,
  tenantId: number,
  filter: MessageFilter,
  { after, limit }: { after: MessagePosition | null; limit: number },
): Promise<StoredMessage[]> {
  const window = { after, limit, isNewestFirst: true }
  return sql<StoredMessage[]>`
    select ${storedColumns(sql)}
    from (${keys(sql, tenantId, filter, window)}) as k
    join received_message as m using (tenant_id, received_message_id)
    order by m.received_at desc, m.received_message_id desc`
}

/** `null` when the tenant has no such message. */
export async function findStoredMessage(
  sql: Sql,
  tenantId: number,
  receivedMessageId: string,
): Promise<(StoredMessage & { report: Report | null }) | null> {
  const [found] = await sql<(StoredMessage & { report: Report | null })[]>`
    select ${storedColumns(sql)}, m.report
    from received_message as m
    where m.tenant_id = ${tenantId} and m.received_message_id = ${receivedMessageId}`
  return found ?? null
}

/** The bytes of a message as they came, or the first of them; `null` when they are not kept. */
export async function findRaw(
  sql: Sql,
  tenantId: number,
  mailId: string,
  maxBytes?: number,
): Promise<Buffer | null> {
  const [found] = await sql<{ raw: Buffer }[]>`
    select ${maxBytes === undefined ? sql`raw` : sql`substring(raw from 1 for ${maxBytes}) as raw`}
    from raw_message
    where tenant_id = ${tenantId} and mail_id = ${mailId}`
  return found?.raw ?? null
}

/** A message with all that can be read anew. */
export type ReadableMessage = StoredMessage & { report: Report | null; raw: Buffer | null }

/** `null` when the tenant has no such message. */
export async function findReadableMessage(
  sql: Sql,
  tenantId: number,
  receivedMessageId: string,
): Promise<ReadableMessage | null> {
  const found = await findStoredMessage(sql, tenantId, receivedMessageId)
  return found && { ...found, raw: await findRaw(sql, tenantId, found.mailId) }
}

/**
 * Oldest first, those after (younger than) a position: at most `limit`, and after the first one no
 * more than `maxBytes` of them.
 */
export async function listReadableMessages(
  sql: Sql,
  tenantId: number,
  filter: MessageFilter,
  { after, limit, maxBytes }: { after: MessagePosition | null; limit: number; maxBytes: number },
): Promise<ReadableMessage[]> {
  const window = { after, limit, isNewestFirst: false }
  return sql<ReadableMessage[]>`
    with weighed as (
      select
        tenant_id, received_message_id,
        sum(m.size_bytes::bigint) over (order by k.received_at, received_message_id) as up_to_here,
        row_number() over (order by k.received_at, received_message_id) as place
      from (${keys(sql, tenantId, filter, window)}) as k
      join received_message as m using (tenant_id, received_message_id)
    )
    select ${storedColumns(sql)}, m.report, (
      select raw
      from raw_message as r
      where r.tenant_id = m.tenant_id and r.mail_id = m.mail_id
    ) as raw
    from weighed as w
    join received_message as m using (tenant_id, received_message_id)
    where w.place = 1 or w.up_to_here <= ${maxBytes}
    order by m.received_at, m.received_message_id`
}

/** Oldest first, those after (younger than) a position, at most `limit`. */
export async function listMessagePositions(
  sql: Sql,
  tenantId: number,
  filter: MessageFilter,
  { after, limit }: { after: MessagePosition | null; limit: number },
): Promise<MessagePosition[]> {
  const window = { after, limit, isNewestFirst: false }
  return sql<MessagePosition[]>`
    select received_at, received_message_id
    from (${keys(sql, tenantId, filter, window)}) as k
    order by received_at, received_message_id`
}

type Window = { after: MessagePosition | null; limit: number; isNewestFirst: boolean }

/** One walk along the index for each outcome: no order of several stands in it. */
function keys(
  sql: Sql,
  tenantId: number,
  { outcomes, since, before }: MessageFilter,
  { after, limit, isNewestFirst }: Window,
): ReturnType<Sql> {
  const direction = isNewestFirst ? sql`desc` : sql`asc`
  const beyond = isNewestFirst ? sql`<` : sql`>`
  const order = sql`received_at ${direction}, received_message_id ${direction}`
  const rest =
    after &&
    sql`and (received_at, received_message_id)
      ${beyond} (${after.receivedAt}::timestamptz, ${after.receivedMessageId}::uuid)`
  return sql`
    select k.tenant_id, k.received_at, k.received_message_id
    from unnest(${outcomes}::text[]) as wanted (outcome)
    cross join lateral (
      select tenant_id, received_at, received_message_id
      from received_message
      where tenant_id = ${tenantId} and outcome = wanted.outcome
        ${since === null ? sql`` : sql`and received_at >= ${since}`}
        ${before === null ? sql`` : sql`and received_at < ${before}`}
        ${rest ?? sql``}
      order by ${order}
      limit ${limit}
    ) as k
    order by ${order}
    limit ${limit}`
}

function storedColumns(sql: Sql): ReturnType<Sql> {
  return sql`
    m.received_message_id, m.mail_id, m.received_at, m.mail_from, m.rcpt_to, m.helo,
    m.remote_address, m.tls, m.size_bytes, m.outcome, m.outcome_reason, m.released_at,
    m.report ->> 'type' as type, m.report ->> 'format' as format,
    exists (
      select 1
      from raw_message as r
      where r.tenant_id = m.tenant_id and r.mail_id = m.mail_id
    ) as has_raw`
}
