import type { Sql } from '../db/sql.ts'
import { adjustCounts } from './counts.ts'
import type { ListKey } from './list.ts'
import { outranks } from './merge.ts'

/** An address, and what stands for it from now on (erasedForm). */
export type Renaming = { address: string; form: string }

/** From now on the address is stored under its erased form; `false` when it was so before. */
export async function markErased(
  sql: Sql,
  tenantId: number,
  form: string,
  now: Date,
): Promise<boolean> {
  const marked = await sql`
    insert into erased_address (tenant_id, address, erased_at)
    values (${tenantId}, ${form}, ${now})
    on conflict do nothing
    returning 1`
  return marked.length > 0
}

/** The entries of an address stand under its erased form as well, without anybody's words. */
export async function copyEntries(
  sql: Sql,
  tenantId: number,
  { address, form }: Renaming,
): Promise<void> {
  const gains = outranks(sql, sql`excluded.created_at`)
  await sql`
    insert into suppression as s (
      tenant_id, address, list, group_id, created_at, origin, import_line, expires_at,
      suppresses_until, hard_until, soft_until, block_until, bounce_class, status)
    select
      tenant_id, ${form}::text, list, group_id, created_at, origin,
      case when import_line is not null then '{}'::jsonb end, expires_at, suppresses_until,
      hard_until, soft_until, block_until, bounce_class, status
    from suppression
    where tenant_id = ${tenantId} and address = ${address}
    order by list, group_id
    on conflict (tenant_id, address, list, group_id) do update set
      created_at = least(s.created_at, excluded.created_at),
      origin = least(s.origin, excluded.origin),
      expires_at = case
        when s.expires_at is null or excluded.expires_at is null then null
        else greatest(s.expires_at, excluded.expires_at)
      end,
      suppresses_until = greatest(s.suppresses_until, excluded.suppresses_until),
      hard_until = greatest(s.hard_until, excluded.hard_until),
      soft_until = greatest(s.soft_until, excluded.soft_until),
      block_until = greatest(s.block_until, excluded.block_until),
      bounce_class = case when ${gains} then excluded.bounce_class else s.bounce_class end,
      status = case when ${gains} then excluded.status else s.status end`
}

/** The entries of an address stand under its erased form alone; the number of them. */
export async function renameEntries(
  sql: Sql,
  tenantId: number,
  renaming: Renaming,
): Promise<number> {
  // Held first: what merges into an entry between the copy and its end would be lost.
  await sql`
    select 1
    from suppression
    where tenant_id = ${tenantId} and address = ${renaming.address}
    order by address, list, group_id
    for update`
  await copyEntries(sql, tenantId, renaming)
  const removed = await sql<ListKey[]>`
    delete from suppression
    where tenant_id = ${tenantId} and address = ${renaming.address}
    returning list, group_id`
  const changes = removed.map(({ list, groupId }) => ({ list, groupId, change: -1 }))
  await adjustCounts(sql, tenantId, changes)
  return removed.length
}

export async function countEntries(sql: Sql, tenantId: number, address: string): Promise<number> {
  const [row] = await sql<{ entries: number }[]>`
    select count(*)::int as entries
    from suppression
    where tenant_id = ${tenantId} and address = ${address}`
  return row?.entries ?? 0
}
