import type { Sql } from '../db/sql.ts'
import { adjustCounts } from './counts.ts'
import type { ListKey } from './list.ts'
import { longestOfBoth, outranks } from './merge.ts'

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

/**
 * The entries of an address stand under its erased form as well, without anybody's words; but for
 * those of the lists in `without`. Gives back on which lists they are.
 */
export async function copyEntries(
  sql: Sql,
  tenantId: number,
  { address, form }: Renaming,
  without: readonly ListKey[] = [],
): Promise<ListKey[]> {
  const gains = outranks(sql, sql`excluded.created_at`)
  return sql<ListKey[]>`
    insert into suppression as s (
      tenant_id, address, list, group_id, created_at, origin, import_line, expires_at,
      suppresses_until, hard_until, soft_until, block_until, bounce_class, status)
    select
      tenant_id, ${form}::text, list, group_id, created_at, origin,
      case when import_line is not null then '{}'::jsonb end, expires_at, suppresses_until,
      hard_until, soft_until, block_until, bounce_class, status
    from suppression
    where tenant_id = ${tenantId} and address = ${address}
      and (list, group_id) not in (${listed(sql, without)})
    order by list, group_id
    on conflict (tenant_id, address, list, group_id) do update set
      ${longestOfBoth(sql)},
      bounce_class = case when ${gains} then excluded.bounce_class else s.bounce_class end,
      status = case when ${gains} then excluded.status else s.status end
    returning list, group_id`
}

/**
 * The entries of an address stand under its erased form alone; the number of them. Of those that
 * were `copied` under both names, one that is left under one name was taken off its list since: it
 * goes altogether.
 */
export async function renameEntries(
  sql: Sql,
  tenantId: number,
  renaming: Renaming,
  copied: readonly ListKey[],
): Promise<number> {
  // Held first: what merges into an entry between the copy and its end would be lost.
  const held = await sql<(ListKey & { address: string })[]>`
    select address, list, group_id
    from suppression
    where tenant_id = ${tenantId} and address in (${renaming.address}, ${renaming.form})
    order by address, list, group_id
    for update`
  const removed = copied.filter(({ list, groupId }) => {
    return held.filter((one) => one.list === list && one.groupId === groupId).length < 2
  })
  await sql`
    delete from suppression
    where tenant_id = ${tenantId} and address = ${renaming.form}
      and (list, group_id) in (${listed(sql, removed)})`
  await copyEntries(sql, tenantId, renaming, removed)
  const renamed = await sql<ListKey[]>`
    delete from suppression
    where tenant_id = ${tenantId} and address = ${renaming.address}
    returning list, group_id`
  const changes = renamed.map(({ list, groupId }) => ({ list, groupId, change: -1 }))
  await adjustCounts(sql, tenantId, changes)
  return renamed.length
}

function listed(sql: Sql, keys: readonly ListKey[]): ReturnType<Sql> {
  return sql`
    select list, group_id
    from unnest(
      ${keys.map(({ list }) => list)}::text[], ${keys.map(({ groupId }) => groupId)}::int[]
    ) as k (list, group_id)`
}

/**
 * In what was wrong with the rows of the next imports after `after` (`null`: from the first on)
 * nobody is mentioned (mentionPattern) any more. Gives back where to go on, `null` at the end.
 */
export async function eraseRowErrors(
  sql: Sql,
  tenantId: number,
  pattern: string,
  { after, limit }: { after: string | null; limit: number },
): Promise<string | null> {
  const isMention = sql`e ->> 'email' ~* ${pattern}`
  const [row] = await sql<{ last: string | null }[]>`
    with next as (
      select import_job_id
      from import_job
      where tenant_id = ${tenantId} ${after === null ? sql`` : sql`and import_job_id > ${after}`}
      order by import_job_id
      limit ${limit}
    ),
    erased as (
      update import_job as j
      set errors = (
        select jsonb_agg(
          case when ${isMention} then jsonb_set(e, '{email}', '""') else e end order by place)
        from jsonb_array_elements(j.errors) with ordinality as error (e, place))
      from next
      where j.tenant_id = ${tenantId} and j.import_job_id = next.import_job_id
        and exists (select 1 from jsonb_array_elements(j.errors) as error (e) where ${isMention})
    )
    select max(import_job_id::text) as last from next`
  return row?.last ?? null
}

export async function countEntries(sql: Sql, tenantId: number, address: string): Promise<number> {
  const [row] = await sql<{ entries: number }[]>`
    select count(*)::int as entries
    from suppression
    where tenant_id = ${tenantId} and address = ${address}`
  return row?.entries ?? 0
}
