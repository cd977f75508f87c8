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
  const expired = await sql<ExpiredSuppression[]>`
    with due as (
      select tenant_id, address, list, group_id
      from suppression
      where expires_at <= ${now}
      order by expires_at
      limit ${limit}
      for update skip locked
    )
    delete from suppression as s
    using due
    where s.tenant_id = due.tenant_id and s.address = due.address
      and s.list = due.list and s.group_id = due.group_id
    returning s.tenant_id, s.list, s.group_id, s.address`
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
