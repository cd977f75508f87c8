import type { Sql } from '../db/sql.ts'
import { erasedPrefix } from '../feedback/erased-address.ts'
import { type ListedSuppression, type ListKey, type ListPosition, standingClass } from './list.ts'

/**
 * The next entries of a list behind a position (`null`: from the first on), newest first, then by
 * address. The rows are read as the index has them, without a join that a planner who does not know
 * yet of a large import could get wrong.
 */
export async function readExportPage(
  sql: Sql,
  tenantId: number,
  { list, groupId }: ListKey,
  { after, limit, now }: { after: ListPosition | null; limit: number; now: Date },
): Promise<ListedSuppression[]> {
  const columns = sql`
    address, created_at, bounce_class, status, reason, source, ${standingClass(sql, now)} as standing`
  const entries = sql`
    from suppression
    where tenant_id = ${tenantId} and list = ${list} and group_id = ${groupId}
      and not starts_with(address, ${erasedPrefix})`
  const order = sql`order by created_at desc, address limit ${limit}`
  const page =
    after === null
      ? sql`select ${columns} ${entries} ${order}`
      : sql`
        (select ${columns} ${entries}
          and created_at = ${after.createdAt} and address > ${after.address}
        order by address
        limit ${limit})
        union all
        (select ${columns} ${entries} and created_at < ${after.createdAt} ${order})`
  return sql<ListedSuppression[]>`
    select
      address, created_at, standing as bounce_class,
      coalesce(standing <> bounce_class, false) as stronger_lapsed, status, reason, source
    from (${page}) as page
    ${order}`
}
