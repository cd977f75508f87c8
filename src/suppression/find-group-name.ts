import type { Sql } from '../db/sql.ts'

/** What a group is called; `null` when it is unknown or deleted. */
export async function findGroupName(
  sql: Sql,
  tenantId: number,
  groupId: number,
): Promise<string | null> {
  const [row] = await sql<{ name: string }[]>`
    select name
    from suppression_group
    where tenant_id = ${tenantId} and group_id = ${groupId} and deleted_at is null`
  return row?.name ?? null
}
