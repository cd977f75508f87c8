import type { Sql } from '../db/sql.ts'
import type { ListKey } from './list.ts'

/** A group as its recipient sees it. */
export type GroupPreference = {
  groupId: number
  name: string
  description: string
  isDeleted: boolean
  /** The recipient has unsubscribed from it. */
  hasLeft: boolean
}

export type Preferences = {
  groups: readonly GroupPreference[]
  hasLeftEverything: boolean
}

/**
 * Where an address stands: the groups that a mail names, in its order, else all of the tenant. A
 * deleted group is among them only when the mail names it.
 */
export async function findPreferences(
  sql: Sql,
  tenantId: number,
  address: string,
  { groupId, groupsToDisplay }: { groupId: number | null; groupsToDisplay: readonly number[] },
): Promise<Preferences> {
  const named = [...new Set([...groupsToDisplay, ...(groupId === null ? [] : [groupId])])]
  const ids = sql`${named.map(String)}::bigint[]`
  const groups = await sql<GroupPreference[]>`
    select
      g.group_id, g.name, g.description,
      g.deleted_at is not null as is_deleted,
      s.address is not null as has_left
    from suppression_group as g
    left join suppression as s
      on s.tenant_id = g.tenant_id and s.address = ${address} and s.list = 'group_unsubscribes'
      and s.group_id = g.group_id
    where g.tenant_id = ${tenantId}
      and (g.group_id = any(${ids})
        ${groupsToDisplay.length === 0 ? sql`or g.deleted_at is null` : sql``})
    order by array_position(${ids}, g.group_id::bigint), g.group_id`
  const { everything } = await findLeft(sql, tenantId, address, null)
  return { groups, hasLeftEverything: everything }
}

/** What an address has left; `groupId` is the group that is asked about, `null` for none. */
export async function findLeft(
  sql: Sql,
  tenantId: number,
  address: string,
  groupId: number | null,
): Promise<{ everything: boolean; group: boolean }> {
  const rows = await sql<{ list: string }[]>`
    select list
    from suppression
    where tenant_id = ${tenantId} and address = ${address}
      and (list = 'global_unsubscribes'
        or list = 'group_unsubscribes' and group_id = ${groupId ?? 0}::bigint)`
  return {
    everything: rows.some(({ list }) => list === 'global_unsubscribes'),
    group: rows.some(({ list }) => list === 'group_unsubscribes'),
  }
}

/** When an address came onto a list; its entry stays until the transaction ends. `null`: it is not there. */
export async function holdEntry(
  sql: Sql,
  tenantId: number,
  { list, groupId }: ListKey,
  address: string,
): Promise<Date | null> {
  const [row] = await sql<{ createdAt: Date }[]>`
    select created_at
    from suppression
    where tenant_id = ${tenantId} and address = ${address} and list = ${list}
      and group_id = ${groupId}
    for update`
  return row?.createdAt ?? null
}

/** Where those who left a group, or everything (`null`), are listed. */
export function unsubscribeList(groupId: number | null): ListKey {
  return groupId === null
    ? { list: 'global_unsubscribes', groupId: 0 }
    : { list: 'group_unsubscribes', groupId }
}
