import type { Sql } from '../db/sql.ts'

/** One received message as an operator reads it: what it was, what became of it. */
export type Received = {
  receivedMessageId: string
  receivedAt: Date
  rcptTo: string
  /** `null`: it could not be read. */
  type: string | null
  format: string | null
  outcome: string
  outcomeReason: string | null
  feedback: readonly ReceivedFeedback[]
}

export type ReceivedFeedback = {
  kind: string
  recipient: string
  bounceClass: string | null
  classification: string | null
  status: string | null
}

/** The messages of a tenant in the order in which they came, at most `limit`. */
export async function listReceived(sql: Sql, tenantId: number, limit: number): Promise<Received[]> {
  return sql<Received[]>`
    select
      m.received_message_id, m.received_at, m.rcpt_to, m.report ->> 'type' as type,
      m.report ->> 'format' as format, m.outcome, m.outcome_reason,
      (
        select coalesce(jsonb_agg(jsonb_build_object(
          'kind', f.kind, 'recipient', f.recipient, 'bounceClass', f.bounce_class,
          'classification', f.classification, 'status', f.status) order by f.feedback_id), '[]')
        from feedback as f
        where f.tenant_id = m.tenant_id and f.received_message_id = m.received_message_id
          and f.withdrawn_at is null
      ) as feedback
    from received_message as m
    where m.tenant_id = ${tenantId}
    order by m.received_message_id
    limit ${limit}`
}
