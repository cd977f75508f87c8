import { uuidv7 } from 'uuidv7'
import type { Feedback } from '../../feedback/feedback.ts'
import {
  type SuppressionEntry,
  type SuppressionList,
  untilRemoved,
} from '../../feedback/suppression.ts'
import { addToOutbox } from '../../publish/outbox.ts'
import { addFeedback, type FeedbackRow } from '../../record/feedback.ts'
import { addSuppressions } from '../../suppression/add.ts'
import type { Caller } from './route.ts'

/** What a client says of an address that it puts onto a list. */
export type Addition = Pick<SuppressionEntry, 'list' | 'groupId' | 'address'> &
  Partial<Pick<SuppressionEntry, 'bounceClass' | 'reason' | 'source'>>

/** Puts addresses onto lists until they are removed, all or none. */
export async function add(
  { db, tenantId, now }: Caller,
  additions: readonly Addition[],
): Promise<void> {
  const entries = additions.map((addition) => entryOf(addition, now))
  await db.transaction(async (sql) => {
    const added = await addSuppressions(sql, tenantId, entries)
    await addFeedback(
      sql,
      entries.map((entry) => feedbackRowOf(tenantId, entry)),
    )
    const events = added.map((entry) => ({ change: 'added' as const, ...entry }))
    await addToOutbox(sql, tenantId, events, now)
  })
}

function entryOf(addition: Addition, now: Date): SuppressionEntry {
  return {
    ...untilRemoved,
    origin: 'api',
    since: now,
    ...addition,
  }
}

const kinds: Record<SuppressionList, Feedback['kind']> = {
  bounces: 'bounce',
  spam_reports: 'spam-report',
  global_unsubscribes: 'unsubscribe',
  group_unsubscribes: 'unsubscribe',
}

function feedbackRowOf(tenantId: number, entry: SuppressionEntry): FeedbackRow {
  return {
    tenant_id: tenantId,
    feedback_id: uuidv7(),
    kind: kinds[entry.list],
    recipient: entry.address,
    reported_at: entry.since,
    origin: entry.origin,
    token_expired: false,
    reason: entry.reason,
    source: entry.source,
    group_id: entry.groupId === 0 ? null : entry.groupId,
    ...(entry.bounceClass === null ? {} : { bounce_class: entry.bounceClass }),
  }
}
