import { jsonb, type Sql } from '../db/sql.ts'
import { isErasedForm } from '../feedback/erased-address.ts'
import type { Feedback, Resubscribe } from '../feedback/feedback.ts'
import { bounceReason, type Origin } from '../feedback/suppression.ts'
import { recountDays } from './daily-figures.ts'

/** One row of the history of an address, under the column names of table `feedback`. */
export type FeedbackRow = {
  tenant_id: number
  feedback_id: string
  kind: (Feedback | Resubscribe)['kind']
  recipient: string
  reported_at: Date
  origin: Origin
  received_message_id?: string | null
  evidence?: string
  token_expired: boolean
  message_reference?: string | null
  token_day?: number | null
  bounce_class?: string
  classification?: string
  rule?: string | null
  status?: string | null
  reason?: string | null
  remote_mta?: string | null
  reporting_mta?: string | null
  feedback_type?: string
  user_agent?: string | null
  source?: string | null
  source_ip?: string | null
  via?: string
  group_id?: number | null
  /** Recorded, but not believed: never, or until somebody decides. */
  withdrawn_at?: Date
  withdrawn_by?: 'storm' | 'repeat'
}

/** Appends to the history. Columns that a row does not name are null. */
export async function addFeedback(sql: Sql, rows: readonly FeedbackRow[]): Promise<void> {
  if (rows.length === 0) return
  await sql`
    with written as (
      insert into feedback (
        tenant_id, feedback_id, received_message_id, kind, recipient, reported_at, origin, evidence,
        token_expired, message_reference, bounce_class, classification, rule, status, reason,
        remote_mta, reporting_mta, feedback_type, user_agent, source, source_ip, via, group_id,
        withdrawn_at, withdrawn_by, token_day)
      select
        r.tenant_id, r.feedback_id, r.received_message_id, r.kind, r.recipient, r.reported_at,
        r.origin, r.evidence, r.token_expired, r.message_reference, r.bounce_class,
        r.classification, r.rule, r.status, r.reason, r.remote_mta, r.reporting_mta,
        r.feedback_type, r.user_agent, r.source, r.source_ip, r.via, r.group_id, r.withdrawn_at,
        r.withdrawn_by, r.token_day
      from jsonb_populate_recordset(null::feedback, ${jsonb(sql, rows)}) as r
      returning tenant_id, reported_at
    )
    ${recountDays(sql)}`
}

export function feedbackRow(feedback: Feedback | Resubscribe): FeedbackRow {
  const { attribution } = feedback
  const row = {
    tenant_id: attribution.tenantId,
    feedback_id: feedback.id,
    received_message_id: feedback.receivedMessageId,
    recipient: attribution.recipient,
    reported_at: feedback.reportedAt,
    evidence: attribution.evidence,
    token_expired: attribution.expired,
    // Links in old mail go on working; which mail it was would tell whose they are.
    message_reference: isErasedForm(attribution.recipient) ? null : attribution.messageReference,
    token_day: attribution.tokenDay,
  }
  switch (feedback.kind) {
    case 'bounce':
      return {
        ...row,
        kind: 'bounce',
        origin: 'report',
        bounce_class: feedback.classification.bounceClass,
        classification: feedback.classification.reason,
        rule: feedback.classification.rule,
        status: feedback.status,
        reason: bounceReason(feedback),
        remote_mta: feedback.remoteMta,
        reporting_mta: feedback.reportingMta,
      }
    case 'spam-report':
      return {
        ...row,
        kind: 'spam-report',
        origin: 'report',
        feedback_type: feedback.feedbackType,
        reporting_mta: feedback.reportingMta,
        user_agent: feedback.userAgent,
        source: feedback.userAgent ?? feedback.reportingMta,
        source_ip: feedback.sourceIp,
      }
    case 'unsubscribe':
    case 'resubscribe':
      return {
        ...row,
        kind: feedback.kind,
        origin: 'recipient',
        via: feedback.via,
        group_id: feedback.groupId,
      }
  }
}
