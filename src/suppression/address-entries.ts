import type { Sql } from '../db/sql.ts'
import type { Origin } from '../feedback/suppression.ts'
import { type ListedSuppression, type ListKey, standingClass } from './list.ts'

/** The entry of an address on one list, with what the group is called if it has one. */
export type AddressEntry = ListKey &
  Omit<ListedSuppression, 'address'> & {
    groupName: string | null
    origin: Origin
    /** Leaves the list then; `null`: when it is removed. */
    expiresAt: Date | null
  }

/**
 * On which lists an address is, newest entry first, at most `limit`; expired entries that the sweeper
 * has not met yet among them.
 */
export async function listAddressEntries(
  sql: Sql,
  tenantId: number,
  address: string,
  { limit, now }: { limit: number; now: Date },
): Promise<AddressEntry[]> {
  return sql<AddressEntry[]>`
    select
      list, group_id, group_name, created_at, expires_at, origin, standing as bounce_class,
      coalesce(standing <> bounce_class, false) as stronger_lapsed, status, reason, source
    from (
      select
        s.list, s.group_id, g.name as group_name, s.created_at, s.expires_at, s.origin,
        ${standingClass(sql, now)} as standing, s.bounce_class, s.status, s.reason, s.source
      from suppression as s
      left join suppression_group as g using (tenant_id, group_id)
      where s.tenant_id = ${tenantId} and s.address = ${address}
    ) as entry
    order by created_at desc, list, group_id
    limit ${limit}`
}
