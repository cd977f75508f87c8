import type { Sql } from '../db/sql.ts'

/** What a recipient asked for by mail. */
export type MailedUnsubscribe = {
  recipient: string
  /** 0: everything. */
  groupId: number
  askedAt: Date
}

/**
 * Of unsubscribes that are found out late, those that still hold: the recipient did not come back
 * since, nor was taken off the list by hand. By their places in `asked`.
 */
export async function findStandingUnsubscribes(
  sql: Sql,
  tenantId: number,
  asked: readonly MailedUnsubscribe[],
): Promise<ReadonlySet<number>> {
  if (asked.length === 0) return new Set()
  const rows = await sql<{ place: number }[]>`
    select place::int - 1 as place
    from unnest(
      ${asked.map(({ recipient }) => recipient)}::text[],
      ${asked.map(({ groupId }) => groupId)}::int[],
      ${asked.map(({ askedAt }) => askedAt.toISOString())}::timestamptz[]
    ) with ordinality as w (recipient, group_id, asked_at, place)
    where not exists (
      select 1
      from feedback as f
      where f.tenant_id = ${tenantId} and f.recipient = w.recipient and f.kind = 'resubscribe'
        and coalesce(f.group_id, 0) = w.group_id and f.reported_at > w.asked_at
    ) and not exists (
      select 1
      from audit_entry as a
      where a.tenant_id = ${tenantId} and a.happened_at >= w.asked_at and a.group_id = w.group_id
        and a.list = case when w.group_id = 0 then 'global_unsubscribes' else 'group_unsubscribes' end
        and (
          a.action = 'suppression.remove' and a.address = w.recipient
          or a.action = 'suppression.remove-all')
    )`
  return new Set(rows.map(({ place }) => place))
}
