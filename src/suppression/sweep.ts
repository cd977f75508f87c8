import type { Sql } from '../db/sql.ts'
import type { SuppressionList } from '../feedback/suppression.ts'
import { adjustCounts } from './counts.ts'

export type ExpiredSuppression = {
  tenantId: number
  list: SuppressionList
  groupId: number
  address: string
}

/**
 * Takes up to `limit` entries whose time is over off their lists. Checks have ignored them since;
 * history stays. Sweepers of several processes do not meet.
 */
export async function removeExpired(
  sql: Sql,
  now: Date,
  limit: number,
): Promise<ExpiredSuppression[]> {
  // By ctid: without statistics a join of the rows to delete is planned as nested loops.
  const expired = await sql<ExpiredSuppression[]>`
    delete from suppression
    where ctid = any(array(
      select ctid
      from suppression
      where expires_at <= ${now}
      order by expires_at
      limit ${limit}
      for update skip locked))
    returning tenant_id, list, group_id, address`
  for (const tenantId of new Set(expired.map((entry) => entry.tenantId))) {
    const own = expired.filter((entry) => entry.tenantId === tenantId)
    await adjustCounts(
      sql,
      tenantId,
      own.map(({ list, groupId }) => ({ list, groupId, change: -1 })),
    )
  }
  return expired
}
