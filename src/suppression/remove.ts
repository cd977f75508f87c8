import type { Sql } from '../db/sql.ts'
import { adjustCounts } from './counts.ts'
import type { ListKey } from './list.ts'

/** Takes an address off a list, its history stays; `false` when it was not on it. */
export async function removeSuppression(
  sql: Sql,
  tenantId: number,
  { list, groupId }: ListKey,
  address: string,
): Promise<boolean> {
  const removed = await sql`
    delete from suppression
    where tenant_id = ${tenantId} and address = ${address}
      and list = ${list} and group_id = ${groupId}
    returning 1`
  if (removed.length === 0) return false
  await adjustCounts(sql, tenantId, [{ list, groupId, change: -1 }])
  return true
}

/**
 * Takes the next `limit` addresses after `after` (`''`: from the first on) off a list and gives them
 * back in order. Fewer than `limit`: there were no more.
 */
export async function removeNextSuppressions(
  sql: Sql,
  tenantId: number,
  { list, groupId }: ListKey,
  { after, limit }: { after: string; limit: number },
): Promise<string[]> {
  // Locked in the order in which addSuppressions locks, so that the two never wait for each other.
  // By ctid, because a join or a second look at the keys is quadratic before the first ANALYZE.
  const removed = await sql<{ address: string }[]>`
    delete from suppression
    where ctid = any(array(
      select ctid
      from suppression
      where tenant_id = ${tenantId} and list = ${list} and group_id = ${groupId}
        and address > ${after}
      order by address
      limit ${limit}
      for update
    ))
    returning address`
  if (removed.length === 0) return []
  await adjustCounts(sql, tenantId, [{ list, groupId, change: -removed.length }])
  return removed
    .map(({ address }) => address)
    .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
}
