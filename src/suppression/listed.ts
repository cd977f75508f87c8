import type { Sql } from '../db/sql.ts'
import type { SuppressionList } from '../feedback/suppression.ts'

type Place = { address: string; list: SuppressionList; groupId: number }

/** Those of `places` where the address is on the list. */
export async function findListed<Wanted extends Place>(
  sql: Sql,
  tenantId: number,
  places: readonly Wanted[],
): Promise<Wanted[]> {
  if (places.length === 0) return []
  const rows = await sql<Place[]>`
    select s.address, s.list, s.group_id
    from unnest(
      ${places.map(({ address }) => address)}::text[],
      ${places.map(({ list }) => list)}::text[],
      ${places.map(({ groupId }) => groupId)}::integer[]
    ) as p (address, list, group_id)
    join suppression as s
      on s.tenant_id = ${tenantId} and s.address = p.address and s.list = p.list
      and s.group_id = p.group_id`
  const listed = new Set(rows.map(textOf))
  return places.filter((place) => listed.has(textOf(place)))
}

function textOf({ address, list, groupId }: Place): string {
  return `${list} ${groupId} ${address}`
}
