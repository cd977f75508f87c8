import type { Sql } from '../db/sql.ts'
import type { StormLimits } from '../feedback/storm.ts'
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
  const [found = null] = await selectTenants(sql, sql`where name = ${name}`)
  return found
}

export async function findTenantById(sql: Sql, tenantId: number): Promise<Tenant | null> {
  const [found = null] = await selectTenants(sql, sql`where tenant_id = ${tenantId}`)
  return found
}

export function listTenants(sql: Sql): Promise<Tenant[]> {
  return selectTenants(sql, sql`order by name`)
}

async function selectTenants(sql: Sql, which: ReturnType<Sql>): Promise<Tenant[]> {
  const rows = await sql<TenantRow[]>`
    select tenant_id, name, suspended_at, hard_bounce_days, soft_bounce_days, block_bounce_days,
      created_at
    from tenant
    ${which}`
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

/** When tenants have more bounces than can be true. */
export async function listStormLimits(
  sql: Sql,
  tenantIds: readonly number[],
): Promise<({ tenantId: number } & StormLimits)[]> {
  return sql`
    select tenant_id, storm_factor as factor, storm_floor as floor
    from tenant
    where tenant_id = any(${tenantIds}::int[])`
}

export type TenantSettings = { bounceDays: BounceDays; stormLimits: StormLimits }

/** Changes the settings that are given; bounces that are listed already keep their time. */
export async function updateTenant(
  sql: Sql,
  tenantId: number,
  {
    bounceDays = {},
    stormLimits = {},
  }: {
    bounceDays?: Partial<BounceDays>
    stormLimits?: Partial<StormLimits>
  },
): Promise<TenantSettings> {
  const days = { ...(await findBounceDays(sql, tenantId)), ...bounceDays }
  const [known] = await listStormLimits(sql, [tenantId])
  if (!known) throw new Error(`there is no tenant ${tenantId}`)
  const { factor, floor } = { ...known, ...stormLimits }
  await sql`
    update tenant
    set hard_bounce_days = ${days.hard}, soft_bounce_days = ${days.soft},
      block_bounce_days = ${days.block}, storm_factor = ${factor}, storm_floor = ${floor}
    where tenant_id = ${tenantId}`
  return { bounceDays: days, stormLimits: { factor, floor } }
}

/** Its keys open nothing from then on (doors may believe them 30 seconds longer); `false`: it was so. */
export async function suspendTenant(sql: Sql, tenantId: number, now: Date): Promise<boolean> {
  const rows = await sql`
    update tenant
    set suspended_at = ${now}
    where tenant_id = ${tenantId} and suspended_at is null
    returning 1`
  return rows.length > 0
}

/** `false`: it was not suspended. */
export async function resumeTenant(sql: Sql, tenantId: number): Promise<boolean> {
  const rows = await sql`
    update tenant
    set suspended_at = null
    where tenant_id = ${tenantId} and suspended_at is not null
    returning 1`
  return rows.length > 0
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
