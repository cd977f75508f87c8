import type { Sql } from '../db/sql.ts'
import type { BounceClass, Evidence } from '../feedback/feedback.ts'
import type { Origin } from '../feedback/suppression.ts'

/** One feedback about an address, with all that speaks for it. */
export type RecordedFeedback = {
  id: string
  kind: string
  reportedAt: Date
  origin: Origin
  bounceClass: BounceClass | null
  classification: string | null
  /** The rule of config/bounce-rules that decided. */
  rule: string | null
  status: string | null
  reason: string | null
  remoteMta: string | null
  reportingMta: string | null
  feedbackType: string | null
  source: string | null
  sourceIp: string | null
  via: string | null
  groupId: number | null
  /** `null`: added by hand. */
  evidence: Evidence | null
  tokenExpired: boolean
  messageReference: string | null
  /** It counts no longer, or not yet. */
  withdrawnAt: Date | null
  withdrawnBy: string | null
  /** `null`: over HTTP, by hand, or gone after its retention. */
  receivedMessage: ReceivedMessage | null
}

/** The message that a feedback came in, as its envelope says. */
export type ReceivedMessage = {
  id: string
  receivedAt: Date
  mailFrom: string
  rcptTo: string
  remoteAddress: string
  outcome: string
}

type Row = Omit<RecordedFeedback, 'receivedMessage'> & {
  messageId: string | null
  receivedAt: Date
  mailFrom: string
  rcptTo: string
  remoteAddress: string
  outcome: string
}

/** Everything that was reported about an address, newest first, at most `limit`. */
export async function listAddressHistory(
  sql: Sql,
  tenantId: number,
  recipient: string,
  limit: number,
): Promise<RecordedFeedback[]> {
  const rows = await sql<Row[]>`
    select
      f.feedback_id as id, f.kind, f.reported_at, f.origin, f.bounce_class, f.classification,
      f.rule, f.status, f.reason, f.remote_mta, f.reporting_mta, f.feedback_type, f.source,
      f.source_ip, f.via, f.group_id, f.evidence, f.token_expired, f.message_reference,
      f.withdrawn_at, f.withdrawn_by,
      m.received_message_id as message_id, m.received_at, m.mail_from, m.rcpt_to,
      m.remote_address, m.outcome
    from feedback as f
    left join received_message as m
      on m.tenant_id = f.tenant_id and m.received_message_id = f.received_message_id
    where f.tenant_id = ${tenantId} and f.recipient = ${recipient}
    order by f.reported_at desc, f.feedback_id desc
    limit ${limit}`
  return rows.map(feedbackOf)
}

function feedbackOf({
  messageId,
  receivedAt,
  mailFrom,
  rcptTo,
  remoteAddress,
  outcome,
  ...feedback
}: Row): RecordedFeedback {
  const message = { receivedAt, mailFrom, rcptTo, remoteAddress, outcome }
  return { ...feedback, receivedMessage: messageId === null ? null : { id: messageId, ...message } }
}
