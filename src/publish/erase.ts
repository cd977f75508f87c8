import type { Sql } from '../db/sql.ts'

/**
 * The next events after `after` (`null`: from the first on) tell of a person by the name that stands
 * for the address: `limit` of them, and after the first one no more than `maxBytes`. `last`: where to
 * go on, null at the end.
 */
export async function eraseEvents(
  sql: Sql,
  tenantId: number,
  { address, form }: { address: string; form: string },
  { after, limit, maxBytes }: { after: string | null; limit: number; maxBytes: number },
): Promise<{ last: string | null; erased: number }> {
  // No index leads from addresses to events: it would be written for each of them, and read for this.
  const [row] = await sql<{ last: string | null; erased: number }[]>`
    with next as (
      select outbox_id
      from (
        select outbox_id, row_number() over (order by outbox_id) as place,
          sum(pg_column_size(detail)) over (order by outbox_id) as up_to_here
        from (
          select outbox_id, detail
          from outbox
          where tenant_id = ${tenantId}
            ${after === null ? sql`` : sql`and outbox_id > ${after}`}
          order by outbox_id
          limit ${limit}
        ) as following
      ) as weighed
      where place = 1 or up_to_here <= ${maxBytes}
    ),
    erased as (
      update outbox as o
      set
        address = case when o.address is null then null else ${form} end,
        detail = case
          when o.address is null
          then jsonb_set(o.detail, '{addresses}', (o.detail -> 'addresses') - ${address}::text)
          else '{}'
        end
      from next
      where o.tenant_id = ${tenantId} and o.outbox_id = next.outbox_id
        and (o.address = ${address} or o.detail -> 'addresses' ? ${address}::text)
      returning 1
    )
    select
      (select max(outbox_id::text) from next) as last,
      (select count(*) from erased)::int as erased`
  return row ?? { last: null, erased: 0 }
}
