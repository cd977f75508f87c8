import { uuidv7 } from 'uuidv7'
import type { Sql } from '../../db/sql.ts'
import { isErasedForm } from '../../feedback/erased-address.ts'
import { feedbackKinds, type SuppressionEntry, untilRemoved } from '../../feedback/suppression.ts'
import { addToOutbox } from '../../publish/outbox.ts'
import { addAudit } from '../../record/audit.ts'
import { addFeedback, type FeedbackRow } from '../../record/feedback.ts'
import { addSuppressions } from '../../suppression/add.ts'
import type { Caller } from './route.ts'

/** What a client says of an address that it puts onto a list. */
export type Addition = Pick<SuppressionEntry, 'list' | 'groupId' | 'address'> &
  Partial<Pick<SuppressionEntry, 'bounceClass' | 'reason' | 'source'>>

/** Few enough for one transaction to stay far below the deadline of the database. */
const chunk = 2_000

/**
 * Puts addresses onto lists until they are removed, so many a transaction; `demand` may refuse by
 * throwing, in each of them. When it fails half-way the first half is listed; to ask again is safe.
 */
export async function add(
  caller: Caller,
  additions: readonly Addition[],
  demand: (sql: Sql) => Promise<void> = async () => undefined,
): Promise<void> {
  const entries = additions.map((addition) => entryOf(addition, caller.now))
  for (let start = 0; start < entries.length; start += chunk) {
    await caller.db.transaction(async (sql) => {
      await demand(sql)
      await addEntries(sql, caller, entries.slice(start, start + chunk))
    })
  }
}

async function addEntries(
  sql: Sql,
  { tenantId, by, now }: Caller,
  entries: readonly SuppressionEntry[],
): Promise<void> {
  const added = await addSuppressions(sql, tenantId, entries)
  await addFeedback(
    sql,
    entries.map((entry) => feedbackRowOf(tenantId, entry)),
  )
  const events = added.map((entry) => ({ change: 'added' as const, ...entry }))
  await addToOutbox(sql, tenantId, events, now)
  const changes = entries.map(({ list, groupId, address, bounceClass }) => {
    const detail = bounceClass === null ? {} : { bounce_type: bounceClass }
    return { action: 'suppression.add' as const, list, groupId, address, detail }
  })
  await addAudit(sql, tenantId, by, changes, now)
}

function entryOf(addition: Addition, now: Date): SuppressionEntry {
  return {
    ...untilRemoved,
    origin: 'api',
    since: now,
    ...addition,
    // Words about a person are not written down again.
    ...(isErasedForm(addition.address) ? { reason: null, source: null } : {}),
  }
}

function feedbackRowOf(tenantId: number, entry: SuppressionEntry): FeedbackRow {
  return {
    tenant_id: tenantId,
    feedback_id: uuidv7(),
    kind: feedbackKinds[entry.list],
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
