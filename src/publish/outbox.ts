import { uuidv7 } from 'uuidv7'
import { jsonb, type Sql } from '../db/sql.ts'
import type { SuppressionList } from '../feedback/suppression.ts'

/** What other systems are to learn: a feedback that came in, or a change of a list. */
export type OutboxEvent =
  | { change: 'feedback'; feedbackId: string; address: string }
  | {
      change: 'added' | 'removed' | 'expired'
      list: SuppressionList
      groupId: number
      address: string
    }

/** In the transaction of the change itself: an event exists exactly when what it tells of does. */
export async function addToOutbox(
  sql: Sql,
  tenantId: number,
  events: readonly OutboxEvent[],
  now: Date,
): Promise<void> {
  if (events.length === 0) return
  const rows = events.map((event) => ({
    tenant_id: tenantId,
    outbox_id: uuidv7(),
    written_at: now,
    change: event.change,
    address: event.address,
    list: event.change === 'feedback' ? null : event.list,
    group_id: event.change === 'feedback' ? null : event.groupId,
    feedback_id: event.change === 'feedback' ? event.feedbackId : null,
  }))
  await sql`
    insert into outbox (
      tenant_id, outbox_id, written_at, change, address, list, group_id, feedback_id)
    select
      r.tenant_id, r.outbox_id, r.written_at, r.change, r.address, r.list, r.group_id,
      r.feedback_id
    from jsonb_populate_recordset(null::outbox, ${jsonb(sql, rows)}) as r`
}

/**
 * The part of a statement that tells of the addresses in its query `added (address, …)`: in one event
 * whose detail has them all, or each in its own.
 */
export function tellOfAdded(
  sql: Sql,
  tenantId: number,
  { list, groupId, each }: { list: SuppressionList; groupId: number; each: boolean },
  now: Date,
): ReturnType<Sql> {
  const place = sql`${tenantId}::int, ${now}::timestamptz, 'added', ${list}::text, ${groupId}::int`
  const columns = sql`tenant_id, written_at, change, list, group_id, outbox_id, address, detail`
  if (each) {
    return sql`
      insert into outbox (${columns})
      select ${place}, gen_random_uuid(), address, '{}'
      from added`
  }
  return sql`
    insert into outbox (${columns})
    select ${place}, ${uuidv7()}::uuid, null, jsonb_build_object('addresses', jsonb_agg(address))
    from added
    having count(*) > 0`
}

/** Deletes up to `limit` events from before `before`; the number deleted. */
export async function purgeOutbox(sql: Sql, before: Date, limit: number): Promise<number> {
  const purged = await sql`
    delete from outbox
    where ctid = any(array(
      select ctid
      from outbox
      where written_at < ${before}
      limit ${limit}
      for update skip locked))`
  return purged.count
}
