import { jsonb, type Sql } from '../db/sql.ts'
import type { Report } from '../feedback/report.ts'
import type { StoredMessage, StoredOutcome } from './stored-messages.ts'

/** What was made of a message, and what is kept of it. */
export type MessageState = Pick<StoredMessage, 'outcome' | 'releasedAt' | 'hasRaw'> & {
  hasReport: boolean
}

/** What these messages are now; they stay so until the transaction ends. Purged ones are missing. */
export async function holdMessages(
  sql: Sql,
  tenantId: number,
  receivedMessageIds: readonly string[],
): Promise<Map<string, MessageState>> {
  const rows = await sql<(MessageState & { receivedMessageId: string })[]>`
    select
      m.received_message_id, m.outcome, m.released_at, m.report is not null as has_report,
      exists (
        select 1
        from raw_message as r
        where r.tenant_id = m.tenant_id and r.mail_id = m.mail_id
      ) as has_raw
    from received_message as m
    where m.tenant_id = ${tenantId} and m.received_message_id = any(${receivedMessageIds}::uuid[])
    order by m.received_message_id
    for update of m`
  return new Map(rows.map(({ receivedMessageId, ...state }) => [receivedMessageId, state]))
}

/** What is made of a message from now on. */
export type NewMessageState = {
  receivedMessageId: string
  outcome: StoredOutcome
  outcomeReason: string | null
  report: Report | null
}

export async function changeMessages(
  sql: Sql,
  tenantId: number,
  changes: readonly NewMessageState[],
): Promise<void> {
  if (changes.length === 0) return
  const rows = changes.map(({ receivedMessageId, outcome, outcomeReason, report }) => ({
    received_message_id: receivedMessageId,
    outcome,
    outcome_reason: outcomeReason,
    report,
  }))
  await sql`
    update received_message as m
    set outcome = r.outcome, outcome_reason = r.outcome_reason, report = nullif(r.report, 'null')
    from jsonb_populate_recordset(null::received_message, ${jsonb(sql, rows)}) as r
    where m.tenant_id = ${tenantId} and m.received_message_id = r.received_message_id`
}

/** An operator vouched for it. */
export async function markReleased(
  sql: Sql,
  tenantId: number,
  receivedMessageId: string,
  now: Date,
): Promise<void> {
  await sql`
    update received_message
    set released_at = ${now}
    where tenant_id = ${tenantId} and received_message_id = ${receivedMessageId}`
}

/**
 * Gives a message of no tenant to the one that it turned out to be of, with its bytes. Those stay
 * where they are, too, while the same mail has other RCPT TO there.
 */
export async function moveMessage(
  sql: Sql,
  from: number,
  to: number,
  { receivedMessageId, mailId }: Pick<StoredMessage, 'receivedMessageId' | 'mailId'>,
): Promise<void> {
  await sql`
    with moved as (
      delete from received_message
      where tenant_id = ${from} and received_message_id = ${receivedMessageId}
      returning received_message_id, mail_id, received_at, mail_from, rcpt_to, helo,
        remote_address, tls, size_bytes, outcome, outcome_reason, report, released_at
    )
    insert into received_message (
      tenant_id, received_message_id, mail_id, received_at, mail_from, rcpt_to, helo,
      remote_address, tls, size_bytes, outcome, outcome_reason, report, released_at)
    select
      ${to}, received_message_id, mail_id, received_at, mail_from, rcpt_to, helo,
      remote_address, tls, size_bytes, outcome, outcome_reason, report, released_at
    from moved`
  await sql`
    insert into raw_message (tenant_id, mail_id, received_at, raw)
    select ${to}, mail_id, received_at, raw
    from raw_message
    where tenant_id = ${from} and mail_id = ${mailId}
    on conflict do nothing`
  await sql`
    delete from raw_message
    where tenant_id = ${from} and mail_id = ${mailId} and not exists (
      select 1
      from received_message
      where tenant_id = ${from} and mail_id = ${mailId})`
}

/** Deletes the bytes of these messages. */
export async function dropRaw(
  sql: Sql,
  tenantId: number,
  mailIds: readonly string[],
): Promise<void> {
  if (mailIds.length === 0) return
  await sql`
    delete from raw_message
    where tenant_id = ${tenantId} and mail_id = any(${mailIds}::uuid[])`
}
