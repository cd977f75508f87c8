import type { Sql } from '../db/sql.ts'
import { isErasedForm } from '../feedback/erased-address.ts'
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
  const change = isErasedForm(address) ? 0 : -1
  await adjustCounts(sql, tenantId, [{ list, groupId, change }])
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
  // In the order in which addSuppressions locks, so that the two never wait for each other.
  const locked = await sql<{ address: string }[]>`
    select address
    from suppression
    where tenant_id = ${tenantId} and list = ${list} and group_id = ${groupId}
      and address > ${after}
    order by address
    limit ${limit}
    for update`
  const addresses = locked.map(({ address }) => address)
  await removeLocked(sql, tenantId, { list, groupId }, addresses)
  return addresses
}

/**
 * Takes addresses off a list whose entries this transaction has locked. A statement of its own: the
 * one that waits for a lock does not see the row as it is afterwards, and would leave it.
 */
export async function removeLocked(
  sql: Sql,
  tenantId: number,
  { list, groupId }: ListKey,
  addresses: readonly string[],
): Promise<void> {
  if (addresses.length === 0) return
  const removed = await sql`
    delete from suppression
    where tenant_id = ${tenantId} and list = ${list} and group_id = ${groupId}
      and address = any(${addresses}::text[])`
  const uncounted = addresses.filter(isErasedForm).length
  await adjustCounts(sql, tenantId, [{ list, groupId, change: uncounted - removed.count }])
}
