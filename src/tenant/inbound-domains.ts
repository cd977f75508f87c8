import type { Database, Sql } from '../db/sql.ts'
import type { InboundDomain } from '../feedback/inbound-domain.ts'

/** Adds the domain; `false` when it is there already, whoever owns it. */
export async function addInboundDomain(sql: Sql, domain: InboundDomain): Promise<boolean> {
  const rows = await sql`
    insert into inbound_domain (domain, tenant_id, accepts, role_addresses)
    values (
      ${domain.domain}, ${domain.tenantId}, ${domain.accepts}, ${[...domain.roleAddresses]}::text[])
    on conflict (domain) do nothing
    returning 1`
  return rows.length > 0
}

export async function findInboundDomain(sql: Sql, name: string): Promise<InboundDomain | null> {
  const [row] = await sql<InboundDomain[]>`
    select domain, tenant_id, accepts, role_addresses
    from inbound_domain
    where domain = ${name}`
  return row ?? null
}

/** By name; `tenant` is null for domains of the whole platform. */
export async function listInboundDomains(
  sql: Sql,
): Promise<(InboundDomain & { tenant: string | null })[]> {
  return sql<(InboundDomain & { tenant: string | null })[]>`
    select d.domain, d.tenant_id, d.accepts, d.role_addresses, t.name as tenant
    from inbound_domain as d
    left join tenant as t using (tenant_id)
    order by d.domain`
}

const cacheMs = 5_000

/** Looks domains up as mail comes in. Only known ones are remembered, so a new one works at once. */
export function createDomainDirectory(
  db: Database,
): (name: string) => Promise<InboundDomain | null> {
  const known = new Map<string, { domain: InboundDomain; until: number }>()
  return async (name) => {
    const now = performance.now()
    const cached = known.get(name)
    if (cached && cached.until > now) return cached.domain
    const domain = await db.run((sql) => findInboundDomain(sql, name))
    if (domain) known.set(name, { domain, until: now + cacheMs })
    else known.delete(name)
    return domain
  }
}

const reservedName = /(?:^|\.)(?:localhost|test|example|invalid)$/

/** Names that strangers cannot send to (RFC 6761): only there is `any` harmless. */
export function isReservedName(domain: string): boolean {
  return reservedName.test(domain)
}
