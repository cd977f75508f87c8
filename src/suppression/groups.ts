import type { Sql } from '../db/sql.ts'

/** Whether mail of this group can still be unsubscribed from on its own. */
export async function isLiveGroup(sql: Sql, tenantId: number, groupId: number): Promise<boolean> {
  const rows = await sql`
    select 1
    from suppression_group
    where tenant_id = ${tenantId} and group_id = ${groupId} and deleted_at is null`
  return rows.length > 0
}
