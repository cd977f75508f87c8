import { arrayTypes } from '../db/array-types.ts'
import { jsonb, type Sql } from '../db/sql.ts'
import type { Outcome } from '../feedback/feedback.ts'
import type { ReceivedMessage } from '../feedback/message.ts'
import type { Report } from '../feedback/report.ts'
import { storableText } from './storable-text.ts'

/** One message for one of its RCPT TO, with what was made of it. */
export type MessageRecord = {
  /** UUID version 7: one for each RCPT TO. */
  id: string
  message: ReceivedMessage
  rcptTo: string
  digest: Buffer
  outcome: Exclude<Outcome, { result: 'duplicate' }>
  /** `null` when it could not be read. */
  report: Report | null
  keepRaw: boolean
}

/**
 * Notes the digests and gives back those that were not known: only their messages are new. A batch
 * that holds the same digest twice gets it back once.
 */
export async function addDigests(
  sql: Sql,
  tenantId: number,
  digests: readonly Buffer[],
  now: Date,
): Promise<Set<string>> {
  const ordered = [...digests].sort(Buffer.compare)
  const rows = await sql<{ digest: Buffer }[]>`
    insert into message_digest (tenant_id, digest, seen_at)
    select ${tenantId}, digest, ${now}
    from unnest(${sql.typed(ordered, byteaArray)}::bytea[]) as digest
    on conflict do nothing
    returning digest`
  return new Set(rows.map(({ digest }) => digest.toString('hex')))
}

/** PostgreSQL's type for bytes; the driver cannot tell it from an array of buffers. */
const byteaArray = arrayTypes.bytea.to

export async function addMessages(
  sql: Sql,
  tenantId: number,
  records: readonly MessageRecord[],
): Promise<void> {
  const rows = records.map(({ id, message, rcptTo, outcome, report }) => ({
    tenant_id: tenantId,
    received_message_id: id,
    mail_id: message.id,
    received_at: message.receivedAt,
    mail_from: storableText(message.envelope.mailFrom, maxEnvelopeText),
    rcpt_to: storableText(rcptTo, maxEnvelopeText),
    helo: storableText(message.envelope.helo, maxEnvelopeText),
    remote_address: message.envelope.remoteAddress,
    tls: message.envelope.tls,
    size_bytes: message.raw.length,
    outcome: outcome.result,
    outcome_reason: 'reason' in outcome ? outcome.reason : null,
    report,
  }))
  await sql`
    insert into received_message (
      tenant_id, received_message_id, mail_id, received_at, mail_from, rcpt_to, helo,
      remote_address, tls, size_bytes, outcome, outcome_reason, report)
    select
      r.tenant_id, r.received_message_id, r.mail_id, r.received_at, r.mail_from, r.rcpt_to,
      r.helo, r.remote_address, r.tls, r.size_bytes, r.outcome, r.outcome_reason, nullif(r.report, 'null')
    from jsonb_populate_recordset(null::received_message, ${jsonb(sql, rows)}) as r`
}

/** RFC 5321 section 4.5.3.1.3 allows 256 octets for a path; a HELO is no longer. */
const maxEnvelopeText = 512

/** The bytes of those that are to be kept; a message to several RCPT TO is kept once. */
export async function addRawMessages(
  sql: Sql,
  tenantId: number,
  records: readonly MessageRecord[],
): Promise<void> {
  const kept = records.filter(({ keepRaw }) => keepRaw).map(({ message }) => message)
  const messages = [...new Set(kept)]
  if (messages.length === 0) return
  const raws = messages.map(({ raw }) => raw)
  await sql`
    insert into raw_message (tenant_id, mail_id, received_at, raw)
    select ${tenantId}, r.mail_id, r.received_at, r.raw
    from unnest(
      ${messages.map(({ id }) => id)}::uuid[],
      ${messages.map(({ receivedAt }) => receivedAt.toISOString())}::timestamptz[],
      ${sql.typed(raws, byteaArray)}::bytea[]
    ) as r (mail_id, received_at, raw)`
}
