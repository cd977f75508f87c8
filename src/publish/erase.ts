import type { Sql } from '../db/sql.ts'

/**
 * The next `limit` events after `after` (`null`: from the first on) tell of a person by the name that
 * stands for the address. `last`: where to go on, null at the end.
 */
export async function eraseEvents(
  sql: Sql,
  tenantId: number,
  { address, form }: { address: string; form: string },
  { after, limit }: { after: string | null; limit: number },
): Promise<{ last: string | null; erased: number }> {
  // No index leads from addresses to events: it would be written for each of them, and read for this.
  const [row] = await sql<{ last: string | null; erased: number }[]>`
    with next as (
      select outbox_id, address, detail
      from outbox
      where tenant_id = ${tenantId}
        ${after === null ? sql`` : sql`and outbox_id > ${after}`}
      order by outbox_id
      limit ${limit}
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
        and (next.address = ${address} or next.detail -> 'addresses' ? ${address}::text)
      returning 1
    )
    select
      (select max(outbox_id::text) from next) as last,
      (select count(*) from erased)::int as erased`
  return row ?? { last: null, erased: 0 }
}
