import type { Sql } from '../db/sql.ts'
import type { BounceDays } from '../feedback/suppression.ts'

export type Tenant = {
  tenantId: number
  name: string
  suspendedAt: Date | null
  bounceDays: BounceDays
  createdAt: Date
}

type TenantRow = {
  tenantId: number
  name: string
  suspendedAt: Date | null
  hardBounceDays: number | null
  softBounceDays: number | null
  blockBounceDays: number | null
  createdAt: Date
}

/** The id of the tenant of this name, and whether it is new. */
export async function addTenant(
  sql: Sql,
  name: string,
): Promise<{ tenantId: number; isNew: boolean }> {
  const [added] = await sql<{ tenantId: number }[]>`
    insert into tenant (name)
    values (${name})
    on conflict (name) do nothing
    returning tenant_id`
  if (added) return { tenantId: added.tenantId, isNew: true }
  const known = await findTenant(sql, name)
  if (!known) throw new Error(`tenant ${name} was removed while it was looked up`)
  return { tenantId: known.tenantId, isNew: false }
}

export async function findTenant(sql: Sql, name: string): Promise<Tenant | null> {
  const [row] = await sql<TenantRow[]>`
    select tenant_id, name, suspended_at, hard_bounce_days, soft_bounce_days, block_bounce_days,
      created_at
    from tenant
    where name = ${name}`
  return row ? tenant(row) : null
}

export async function listTenants(sql: Sql): Promise<Tenant[]> {
  const rows = await sql<TenantRow[]>`
    select tenant_id, name, suspended_at, hard_bounce_days, soft_bounce_days, block_bounce_days,
      created_at
    from tenant
    order by name`
  return rows.map(tenant)
}

/** How long a bounce suppresses for this tenant. Throws when there is no such tenant. */
export async function findBounceDays(sql: Sql, tenantId: number): Promise<BounceDays> {
  const [row] = await sql<BounceDays[]>`
    select hard_bounce_days as hard, soft_bounce_days as soft, block_bounce_days as block
    from tenant
    where tenant_id = ${tenantId}`
  if (!row) throw new Error(`there is no tenant ${tenantId}`)
  return row
}

function tenant(row: TenantRow): Tenant {
  const { hardBounceDays: hard, softBounceDays: soft, blockBounceDays: block, ...rest } = row
  return {
    tenantId: rest.tenantId,
    name: rest.name,
    suspendedAt: rest.suspendedAt,
    createdAt: rest.createdAt,
    bounceDays: { hard, soft, block },
  }
}
