import type { Sql } from '../db/sql.ts'
import type { Unsubscribe } from '../feedback/feedback.ts'

/** What one recipient did about one group; `null`: about everything. */
type Place = { recipient: string; groupId: number | null }

/** A click on a page of ours that can be taken back. */
export type Click = { clickId: string; clickedAt: Date }

/** The click on a page of ours of this very moment; `null` when it was something else. */
export async function findClick(
  sql: Sql,
  tenantId: number,
  place: Place,
  clickedAt: Date,
): Promise<(Click & { via: Unsubscribe['via'] }) | null> {
  const [row] = await sql<(Click & { via: Unsubscribe['via'] })[]>`
    select feedback_id as click_id, reported_at as clicked_at, via
    from feedback
    where ${unsubscribesOf(sql, tenantId, place)} and reported_at = ${clickedAt}
      and via in ('confirm-page', 'preferences-page')
    limit 1`
  return row ?? null
}

/** What this recipient left by a click, and when; `null` when there was no such click. */
export async function findClicked(
  sql: Sql,
  tenantId: number,
  recipient: string,
  clickId: string,
): Promise<{ groupId: number | null; clickedAt: Date } | null> {
  const [row] = await sql<{ groupId: number | null; clickedAt: Date }[]>`
    select group_id, reported_at as clicked_at
    from feedback
    where tenant_id = ${tenantId} and feedback_id = ${clickId} and recipient = ${recipient}
      and kind = 'unsubscribe' and via in ('confirm-page', 'preferences-page')`
  return row ?? null
}

/** Whether anything but this click says that the recipient has left, at its time or later. */
export async function wasLeftAgain(
  sql: Sql,
  tenantId: number,
  place: Place,
  { clickId, clickedAt }: Click,
): Promise<boolean> {
  const rows = await sql`
    select 1
    from feedback
    where ${unsubscribesOf(sql, tenantId, place)} and reported_at >= ${clickedAt}
      and feedback_id <> ${clickId} and not token_expired
    limit 1`
  return rows.length > 0
}

function unsubscribesOf(
  sql: Sql,
  tenantId: number,
  { recipient, groupId }: Place,
): ReturnType<Sql> {
  return sql`
    tenant_id = ${tenantId} and recipient = ${recipient} and kind = 'unsubscribe'
    and group_id is not distinct from ${groupId}::int`
}
