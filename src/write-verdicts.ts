import type { Sql } from './db/sql.ts'
import type { ChangedBy } from './feedback/actor.ts'
import type { Feedback, Unsubscribe } from './feedback/feedback.ts'
import type { ListEffect, Verdict } from './feedback/replay.ts'
import { listOf, suppressionEntry } from './feedback/suppression.ts'
import { aboutLiveGroups } from './live-groups.ts'
import { addToOutbox, type OutboxEvent } from './publish/outbox.ts'
import { recomputeSuppressions } from './recompute.ts'
import { type AuditAction, addAudit } from './record/audit.ts'
import { addFeedback, feedbackRow } from './record/feedback.ts'
import { withdrawFeedback } from './record/message-feedback.ts'
import { findRepeatedFeedback } from './record/repeated-feedback.ts'
import { findStandingUnsubscribes } from './record/standing-unsubscribes.ts'
import type { VerdictChange } from './replay-diff.ts'
import { addSuppressions } from './suppression/add.ts'
import { findUsedUp } from './used-up.ts'
import { neverLapsing, withdrawn } from './write.ts'

/**
 * Writes what differs now into history, lists, outbox and audit trail, as if it had been so from the
 * first: what has lapsed since, or was taken off a list by hand, is not listed again, nor by what a
 * used-up token brings.
 */
export async function writeVerdicts(
  sql: Sql,
  tenantId: number,
  changes: readonly VerdictChange[],
  { action, by, now }: { action: AuditAction; by: ChangedBy; now: Date },
): Promise<ListEffect[]> {
  const replaced = changes.flatMap(({ withdraws }) => withdraws ?? [])
  const decided = changes.flatMap(({ adds }) => adds ?? [])
  const added = await aboutLiveGroups(sql, tenantId, decided)
  await withdrawFeedback(sql, tenantId, replaced, now)
  const repeated = await findRepeatedFeedback(sql, tenantId, added)
  const usedUp = await findUsedUp(sql, tenantId, added, repeated)
  const rows = added.map((one) => {
    return usedUp.has(one) ? { ...feedbackRow(one), ...withdrawn(one, 'repeat') } : feedbackRow(one)
  })
  await addFeedback(sql, rows)
  const counting = added.filter((one) => !usedUp.has(one))
  const events: OutboxEvent[] = counting.map(({ id, attribution }) => {
    return { change: 'feedback', feedbackId: id, address: attribution.recipient }
  })
  await addToOutbox(sql, tenantId, events, now)
  const effects = await recomputeSuppressions(sql, tenantId, reportedOn(changes), now)
  await unsubscribe(sql, tenantId, added, now)
  await addAudit(
    sql,
    tenantId,
    by,
    changes.map((change) => ({ action, ...audited(change) })),
    now,
  )
  return effects
}

/** Addresses of which a report tells another thing now. */
function reportedOn(changes: readonly VerdictChange[]): string[] {
  return changes
    .filter(({ before, after }) => (after ?? before)?.kind !== 'unsubscribe')
    .map(({ address }) => address)
}

async function unsubscribe(
  sql: Sql,
  tenantId: number,
  added: readonly Feedback[],
  now: Date,
): Promise<void> {
  const asked = added.filter((one): one is Unsubscribe => one.kind === 'unsubscribe')
  const standing = await findStandingUnsubscribes(
    sql,
    tenantId,
    asked.map(({ attribution, groupId, reportedAt }) => {
      return { recipient: attribution.recipient, groupId: groupId ?? 0, askedAt: reportedAt }
    }),
  )
  const entries = asked
    .filter((_, place) => standing.has(place))
    .map((one) => suppressionEntry(one, neverLapsing))
    .filter((entry) => entry !== null)
  const listed = await addSuppressions(sql, tenantId, entries)
  const events = listed.map((entry) => ({ change: 'added' as const, ...entry }))
  await addToOutbox(sql, tenantId, events, now)
}

function audited({ receivedMessageId, address, before, after, adds }: VerdictChange) {
  const kind = (after ?? before)?.kind ?? 'bounce'
  const groupId = adds?.kind === 'unsubscribe' ? adds.groupId : null
  const verdicts = { before: brief(before), after: brief(after) }
  const detail = { received_message_id: receivedMessageId, ...verdicts }
  return { ...listOf(kind, groupId), address, detail }
}

/** Not the words of a report: they may name the person. */
function brief(verdict: Verdict | null): object | null {
  if (verdict === null) return null
  const { bounceClass: bounce_type, classification, rule } = verdict
  return verdict.kind === 'bounce' ? { bounce_type, classification, rule } : {}
}
