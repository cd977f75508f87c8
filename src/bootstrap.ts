import type { Storage } from './cli/storage.ts'
import { createTenant } from './cli/tenant.ts'
import { type Config, ConfigError } from './config.ts'
import type { Sql } from './db/sql.ts'
import { addApiKey, apiKeyHash, apiKeyScopes, findApiKey, isInForce } from './tenant/api-key.ts'
import { addInboundDomain, findInboundDomain, isReservedName } from './tenant/inbound-domains.ts'
import { listTenants } from './tenant/tenants.ts'

/** What was made, for the operator to read once. */
export type Bootstrapped = {
  tenant: string
  domain: string
  /** `null`: it was given, or made at an earlier start. */
  apiKey: string | null
  /** HEARBACK_BOOTSTRAP_API_KEY says it. */
  isKeyGiven: boolean
}

/**
 * A tenant, a key and a domain to begin with: in an empty embedded database, and wherever a
 * HEARBACK_BOOTSTRAP variable asks for them. What exists is left as it is.
 */
export async function bootstrap(
  { db, secret, isEmbedded }: Storage,
  { bootstrap: wanted }: Config,
): Promise<Bootstrapped | null> {
  return db.transaction(async (sql) => {
    // Replicas that start at once wait for each other here.
    await sql`select pg_advisory_xact_lock(hashtext('hearback bootstrap'))`
    const isFirstStart = isEmbedded && (await listTenants(sql)).length === 0
    if (!isFirstStart && !wanted.isAskedFor) return null
    const { tenantId, isNew } = await createTenant(sql, secret, wanted.tenant)
    const apiKey =
      isNew || wanted.apiKey !== null ? await addBootstrapKey(sql, tenantId, wanted.apiKey) : null
    const domainIsNew = await addBootstrapDomain(sql, tenantId, wanted.domain)
    if (!isNew && !domainIsNew) return null
    const { tenant, domain, apiKey: given } = wanted
    return { tenant, domain, apiKey, isKeyGiven: given !== null }
  })
}

/** The key when it was made here; `null` when the operator knows it already. */
async function addBootstrapKey(
  sql: Sql,
  tenantId: number,
  given: string | null,
): Promise<string | null> {
  const known = given === null ? null : await findApiKey(sql, apiKeyHash(given))
  if (known && known.tenantId !== tenantId) {
    throw new ConfigError(['HEARBACK_BOOTSTRAP_API_KEY: is a key of another tenant already'])
  }
  if (known && !isInForce(known, new Date())) {
    throw new ConfigError(['HEARBACK_BOOTSTRAP_API_KEY: is revoked or expired; set another one'])
  }
  if (known) return null
  const key = await addApiKey(sql, {
    tenantId,
    name: 'bootstrap',
    key: given,
    scopes: apiKeyScopes,
    expiresAt: null,
  })
  return given === null ? key : null
}

async function addBootstrapDomain(sql: Sql, tenantId: number, domain: string): Promise<boolean> {
  const accepts = isReservedName(domain) ? 'any' : 'signed'
  if (await addInboundDomain(sql, { domain, tenantId, accepts, roleAddresses: [] })) return true
  const known = await findInboundDomain(sql, domain)
  if (known?.tenantId === tenantId) return false
  throw new ConfigError(['HEARBACK_BOOTSTRAP_DOMAIN: is a domain of another tenant already'])
}
