import type { Sql } from '../db/sql.ts'
import type { ListKey } from './list.ts'
import { removeLocked } from './remove.ts'

export type TenantList = ListKey & { tenantId: number }

/** How far to look for lists: whatever lies beyond is met by the next sweep. */
const maxLookedAt = 10_000

/** The lists that hold the entries whose time was over first. */
export async function findExpiredLists(sql: Sql, now: Date): Promise<TenantList[]> {
  return sql<TenantList[]>`
    select distinct tenant_id, list, group_id
    from (
      select tenant_id, list, group_id
      from suppression
      where expires_at <= ${now}
      order by expires_at
      limit ${maxLookedAt}
    ) as expired
    order by tenant_id, list, group_id`
}

/**
 * Takes up to `limit` entries whose time is over off a list, and gives their addresses back. Checks
 * have ignored them since; history stays. Sweepers of several processes do not meet, and an entry
 * that is just being prolonged is left alone. Fewer than `limit`: there are no more to be had.
 */
export async function removeExpired(
  sql: Sql,
  { tenantId, list, groupId }: TenantList,
  now: Date,
  limit: number,
): Promise<string[]> {
  const locked = await sql<{ address: string }[]>`
    select address
    from suppression
    where tenant_id = ${tenantId} and list = ${list} and group_id = ${groupId}
      and expires_at <= ${now}
    order by expires_at
    limit ${limit}
    for update skip locked`
  const addresses = locked.map(({ address }) => address)
  await removeLocked(sql, tenantId, { list, groupId }, addresses)
  return addresses
}
