import type { Sql } from '../db/sql.ts'
import type { SuppressionList } from '../feedback/suppression.ts'

type CountChange = { list: SuppressionList; groupId: number; change: number }

/** One row a list would make every commit wait for the one before it. */
const slots = 64

/** Keeps the totals of the lists in step with their entries, in the same transaction. */
export async function adjustCounts(
  sql: Sql,
  tenantId: number,
  changes: readonly CountChange[],
): Promise<void> {
  if (changes.length === 0) return
  const slot = Math.floor(Math.random() * slots)
  await sql`
    insert into suppression_count as c (tenant_id, list, group_id, slot, entries)
    select ${tenantId}, r.list, r.group_id, ${slot}, sum(r.change)
    from unnest(
      ${changes.map(({ list }) => list)}::text[],
      ${changes.map(({ groupId }) => groupId)}::int[],
      ${changes.map(({ change }) => change)}::int[]
    ) as r (list, group_id, change)
    group by r.list, r.group_id
    order by r.list, r.group_id
    on conflict (tenant_id, list, group_id, slot) do update
      set entries = c.entries + excluded.entries`
}

/** Addresses on a list, expired ones that the sweeper has not met yet among them. */
export async function countSuppressions(
  sql: Sql,
  tenantId: number,
  list: SuppressionList,
  groupId = 0,
): Promise<number> {
  const [row] = await sql<{ total: number }[]>`
    select coalesce(sum(entries), 0)::float8 as total
    from suppression_count
    where tenant_id = ${tenantId} and list = ${list} and group_id = ${groupId}`
  return row?.total ?? 0
}
