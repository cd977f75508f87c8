import type { Sql } from '../db/sql.ts'
import { erasedPrefix } from '../feedback/erased-address.ts'
import type { SuppressionList } from '../feedback/suppression.ts'

type CountChange = { list: SuppressionList; groupId: number; change: number }

/** One row a list would make every commit wait for the one before it. */
const slots = 64

/**
 * The part of a statement that counts the rows of its query `added (list, group_id, address)`, but
 * for those of erased people, which no list shows.
 */
export function countAdded(sql: Sql, tenantId: number): ReturnType<Sql> {
  return sql`
    insert into suppression_count as c (tenant_id, list, group_id, slot, entries)
    select ${tenantId}::int, list, group_id, ${anySlot()}::int, count(*)
    from added
    where not starts_with(address, ${erasedPrefix})
    group by list, group_id
    order by list, group_id
    on conflict (tenant_id, list, group_id, slot) do update
      set entries = c.entries + excluded.entries`
}

/** Keeps the totals of the lists in step with their entries, in the same transaction. */
export async function adjustCounts(
  sql: Sql,
  tenantId: number,
  changes: readonly CountChange[],
): Promise<void> {
  if (changes.length === 0) return
  await sql`
    insert into suppression_count as c (tenant_id, list, group_id, slot, entries)
    select ${tenantId}::int, r.list, r.group_id, ${anySlot()}::int, sum(r.change)
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

/** Addresses in each group that has ever had one, by group id. */
export async function countGroups(sql: Sql, tenantId: number): Promise<Map<number, number>> {
  const rows = await sql<{ groupId: number; total: number }[]>`
    select group_id, sum(entries)::float8 as total
    from suppression_count
    where tenant_id = ${tenantId} and list = 'group_unsubscribes'
    group by group_id`
  return new Map(rows.map(({ groupId, total }) => [groupId, total]))
}

function anySlot(): number {
  return Math.floor(Math.random() * slots)
}
