import { z } from 'zod'
import type { RecordedFeedback } from '../../record/address-history.ts'
import type { AddressEntry } from '../../suppression/address-entries.ts'
import { auditEntry } from './audit.ts'
import { checkRecordShape } from './check.ts'
import { unixSeconds } from './list.ts'
import { unixTimeOut } from './shapes.ts'

const list = z.enum(['bounces', 'spam_reports', 'global_unsubscribes', 'group_unsubscribes'])
const bounceType = z.enum(['hard', 'soft', 'block'])
const origin = z.enum(['report', 'recipient', 'api', 'import'])
const text = z.string().nullable()

const suppression = z.strictObject({
  list,
  group_id: z.int().optional(),
  group_name: z.string().optional(),
  since: unixTimeOut,
  until: unixTimeOut.nullable().describe('null: until it is removed'),
  bounce_type: bounceType.nullable(),
  status: text,
  reason: text,
  source: text,
  origin,
})

const receivedMessage = z.strictObject({
  id: z.uuid(),
  received_at: z.iso.datetime(),
  mail_from: z.string(),
  rcpt_to: z.string(),
  remote_address: z.string(),
  outcome: z.string(),
})

const feedback = z.strictObject({
  id: z.uuid(),
  kind: z.string(),
  reported_at: z.iso.datetime(),
  origin,
  bounce_type: bounceType.nullable(),
  classification: text,
  rule: text.describe('The bounce rule that decided'),
  status: text,
  reason: text,
  remote_mta: text,
  reporting_mta: text,
  feedback_type: text,
  source: text,
  source_ip: text,
  via: text,
  group_id: z.int().nullable(),
  evidence: z
    .enum(['return-path-token', 'sealed-token', 'verified-sender', 'unsigned'])
    .nullable()
    .describe('Why it was believed; null: added by hand'),
  token_expired: z.boolean().describe('Recorded only: it came too late to suppress'),
  message_reference: text,
  withdrawn_at: z.iso.datetime().nullable().describe('Since when it is not believed'),
  withdrawn_by: text.describe('replay, revert, storm, drop or repeat'),
  received_message: receivedMessage
    .nullable()
    .describe('null: it did not come by mail, or the mail is past its retention'),
})

export const addressShape = z
  .strictObject({
    email: z.string(),
    check: checkRecordShape.describe('What a check without a group would say now'),
    suppressions: z.array(suppression),
    feedback: z.array(feedback),
    audit: z.array(auditEntry),
    truncated: z.boolean().describe('Whether there is more: of each the newest are shown'),
  })
  .meta({ id: 'Address' })

export function suppressionRecord(entry: AddressEntry): z.infer<typeof suppression> {
  return {
    list: entry.list,
    group_id: entry.groupId === 0 ? undefined : entry.groupId,
    group_name: entry.groupName ?? undefined,
    since: unixSeconds(entry.createdAt),
    until: entry.expiresAt && unixSeconds(entry.expiresAt),
    bounce_type: entry.bounceClass,
    status: entry.status,
    reason: entry.reason,
    source: entry.source,
    origin: entry.origin,
  }
}

export function feedbackRecord(one: RecordedFeedback): z.infer<typeof feedback> {
  return {
    id: one.id,
    kind: one.kind,
    reported_at: one.reportedAt.toISOString(),
    origin: one.origin,
    bounce_type: one.bounceClass,
    classification: one.classification,
    rule: one.rule,
    status: one.status,
    reason: one.reason,
    remote_mta: one.remoteMta,
    reporting_mta: one.reportingMta,
    feedback_type: one.feedbackType,
    source: one.source,
    source_ip: one.sourceIp,
    via: one.via,
    group_id: one.groupId,
    evidence: one.evidence,
    token_expired: one.tokenExpired,
    message_reference: one.messageReference,
    withdrawn_at: one.withdrawnAt?.toISOString() ?? null,
    withdrawn_by: one.withdrawnBy,
    received_message: one.receivedMessage && messageRecord(one.receivedMessage),
  }
}

function messageRecord(
  message: NonNullable<RecordedFeedback['receivedMessage']>,
): z.infer<typeof receivedMessage> {
  return {
    id: message.id,
    received_at: message.receivedAt.toISOString(),
    mail_from: message.mailFrom,
    rcpt_to: message.rcptTo,
    remote_address: message.remoteAddress,
    outcome: message.outcome,
  }
}
