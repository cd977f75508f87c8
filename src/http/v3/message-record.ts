import { z } from 'zod'
import { isErasedForm } from '../../feedback/erased-address.ts'
import type { MessageSummary } from '../../feedback/message-summary.ts'
import type { Released } from '../../feedback/release.ts'
import type { Decided, ReplayedMessage, Standing, Verdict } from '../../feedback/replay.ts'
import type { Report } from '../../feedback/report.ts'
import type { ToldFeedback } from '../../record/message-feedback.ts'
import type { StoredMessage } from '../../record/stored-messages.ts'

export const outcome = z.enum(['recorded', 'ignored', 'unattributed', 'quarantined'])
const kind = z.enum(['bounce', 'spam-report', 'unsubscribe'])
const bounceType = z.enum(['hard', 'soft', 'block']).nullable()
const text = z.string().nullable()

export const messageShape = z
  .strictObject({
    id: z.uuid(),
    received_at: z.iso.datetime(),
    outcome,
    outcome_reason: text.describe('Why it was not recorded'),
    released_at: z.iso.datetime().nullable().describe('When somebody vouched for it'),
    type: text.describe('What kind of report it is; null: unreadable, or kept no longer'),
    format: text,
    mail_from: z.string().describe('Empty: the null reverse-path of a report'),
    rcpt_to: z.string(),
    helo: z.string(),
    remote_address: z.string(),
    tls: z.boolean(),
    size_bytes: z.int(),
    has_raw: z.boolean().describe('Whether its bytes are kept'),
  })
  .meta({ id: 'Message' })

const feedback = z.strictObject({
  id: z.uuid(),
  kind,
  email: text.describe('null: the person was erased'),
  bounce_type: bounceType,
  classification: text,
  rule: text,
  status: text,
  reason: text,
  group_id: z.int().nullable(),
  token_expired: z.boolean().describe('Recorded only: it came too late to suppress'),
  withdrawn_by: z
    .enum(['revert', 'storm', 'drop', 'repeat'])
    .nullable()
    .describe('Why it does not count; null: it does'),
})

export const messageDetailShape = messageShape
  .extend({
    headers: z
      .array(z.strictObject({ name: z.string(), value: z.string() }))
      .describe('Some fields of the outermost header, decoded'),
    parts: z.array(z.string()).describe('Content types of the message and its parts'),
    text: text.describe('The text for people, without markup; null: none, or kept no longer'),
    text_cut: z.boolean().describe('There is more text'),
    report: z
      .looseObject({ type: z.string(), format: z.string() })
      .nullable()
      .describe('What was read in it, as `hearback parse` has it'),
    feedback: z.array(feedback).describe('What came of it'),
  })
  .meta({ id: 'MessageDetail' })

export const releaseShape = z
  .strictObject({
    vouched_for: z.boolean().describe('false: by the rules of today it speaks for itself'),
    recipients: z.array(
      z.strictObject({
        email: z.string(),
        kind,
        bounce_type: bounceType,
        listed: z
          .boolean()
          .describe('false: it has lapsed since, or the address was taken off the list by hand'),
      }),
    ),
  })
  .meta({ id: 'Release' })

const verdict = z
  .strictObject({
    kind,
    bounce_type: bounceType,
    classification: text,
    rule: text,
    status: text,
    reason: text,
    token_expired: z.boolean(),
  })
  .nullable()

const standing = z
  .strictObject({
    bounce_type: bounceType,
    until: z.iso.datetime().nullable().describe('null: until removed'),
  })
  .nullable()

const decided = z.strictObject({ outcome, outcome_reason: text })

export const replayShape = z
  .strictObject({
    before: decided,
    after: decided,
    changes: z.array(
      z.strictObject({
        email: text.describe('null: the person was erased'),
        before: verdict.describe('null: it said nothing of this address'),
        after: verdict.describe('null: it says nothing of this address any more'),
        list: z
          .strictObject({
            before: standing.describe('null: not listed'),
            after: standing.describe('null: not listed'),
          })
          .nullable()
          .describe('What becomes of the address on the list of this kind; null: nothing'),
      }),
    ),
  })
  .meta({ id: 'Replay' })

export function messageRecord(message: StoredMessage): z.infer<typeof messageShape> {
  return {
    id: message.receivedMessageId,
    received_at: message.receivedAt.toISOString(),
    outcome: message.outcome,
    outcome_reason: message.outcomeReason,
    released_at: message.releasedAt?.toISOString() ?? null,
    type: message.type,
    format: message.format,
    mail_from: message.mailFrom,
    rcpt_to: message.rcptTo,
    helo: message.helo,
    remote_address: message.remoteAddress,
    tls: message.tls,
    size_bytes: message.sizeBytes,
    has_raw: message.hasRaw,
  }
}

export function messageDetail(
  message: StoredMessage & { report: Report | null },
  summary: MessageSummary | null,
  told: readonly ToldFeedback[],
): z.infer<typeof messageDetailShape> {
  const { headers = [], parts = [], text = null, isCut = false } = summary ?? {}
  return {
    ...messageRecord(message),
    headers: [...headers],
    parts: [...parts],
    text,
    text_cut: isCut,
    report: message.report === null ? null : { ...message.report },
    feedback: told.map(feedbackRecord),
  }
}

function feedbackRecord(told: ToldFeedback): z.infer<typeof feedback> {
  return {
    id: told.feedbackId,
    kind: told.kind,
    email: isErasedForm(told.recipient) ? null : told.recipient,
    bounce_type: told.bounceClass,
    classification: told.classification,
    rule: told.rule,
    status: told.status,
    reason: told.reason,
    group_id: told.groupId,
    token_expired: told.isExpired,
    withdrawn_by: told.withdrawnBy,
  }
}

export function releaseRecord(released: Released): z.infer<typeof releaseShape> {
  return {
    vouched_for: released.isVouchedFor,
    recipients: released.concerned.map(({ address, kind, bounceClass, isListed }) => {
      return { email: address, kind, bounce_type: bounceClass, listed: isListed }
    }),
  }
}

export function replayRecord({
  before,
  after,
  verdicts,
}: Extract<ReplayedMessage, { result: 'replayed' }>): z.infer<typeof replayShape> {
  return {
    before: decidedRecord(before),
    after: decidedRecord(after),
    changes: verdicts.map(({ address, before, after, effect }) => ({
      email: isErasedForm(address) ? null : address,
      before: verdictRecord(before),
      after: verdictRecord(after),
      list: effect && {
        before: standingRecord(effect.before),
        after: standingRecord(effect.after),
      },
    })),
  }
}

function decidedRecord({ outcome, reason }: Decided): z.infer<typeof decided> {
  return { outcome, outcome_reason: reason }
}

function verdictRecord(told: Verdict | null): z.infer<typeof verdict> {
  if (told === null) return null
  const { kind, bounceClass, classification, rule, status, reason, isExpired } = told
  const words = { classification, rule, status, reason }
  return { kind, bounce_type: bounceClass, ...words, token_expired: isExpired }
}

function standingRecord(told: Standing | null): z.infer<typeof standing> {
  return told && { bounce_type: told.bounceClass, until: told.until?.toISOString() ?? null }
}
