import { createHash, randomBytes } from 'node:crypto'
import { uuidv7 } from 'uuidv7'
import type { Sql } from '../db/sql.ts'

/** What a key may be allowed; `suppressions.read` covers the check too. */
export const apiKeyScopes = [
  'suppressions.read',
  'suppressions.write',
  'feedback.tokens',
  'webhooks.read',
  'webhooks.write',
  'admin.api_keys',
] as const

export type ApiKeyScope = (typeof apiKeyScopes)[number]

/** All that remains of a key: the key itself is shown once and never stored. */
export type ApiKey = {
  apiKeyId: string
  tenantId: number
  name: string
  /** Its first characters, by which people tell their keys apart. */
  prefix: string
  scopes: readonly ApiKeyScope[]
  createdAt: Date
  expiresAt: Date | null
  revokedAt: Date | null
}

/** The key exists: `known`, or as one of another tenant (`null`). */
export class ApiKeyTakenError extends Error {
  override name = 'ApiKeyTakenError'
  readonly known: ApiKey | null

  constructor(known: ApiKey | null) {
    super(
      known ? 'This API key exists with other rights' : 'This API key belongs to another tenant',
    )
    this.known = known
  }
}

export type NewApiKey = {
  tenantId: number
  name: string
  scopes: readonly ApiKeyScope[]
  expiresAt: Date | null
  /** `null`: one is generated. */
  key: string | null
}

const generatedPrefix = 'hb_live_'

/** Whether the text can be a key at all: 16 to 128 printable ASCII characters without spaces. */
export function isApiKey(text: string): boolean {
  return /^[\x21-\x7e]{16,128}$/.test(text)
}

/** By which a key is stored and found. Keys are random enough to need no slow hash. */
export function apiKeyHash(key: string): Buffer {
  return createHash('sha256').update(key).digest()
}

/**
 * Stores a key and gives it back, to be shown this once. A given key that the tenant already has, in
 * force and with the same scopes and end, stays as it is. Throws a RangeError when the text cannot be
 * a key, an ApiKeyTakenError when it is another one already.
 */
export async function addApiKey(
  sql: Sql,
  { tenantId, name, scopes, expiresAt, key: given }: NewApiKey,
): Promise<string> {
  const key = given ?? generatedPrefix + randomBytes(20).toString('hex')
  if (!isApiKey(key)) throw new RangeError('An API key has 16 to 128 printable characters')
  const hash = apiKeyHash(key)
  const prefix = key.slice(0, given === null ? 12 : 4)
  const added = await sql`
    insert into api_key (api_key_id, tenant_id, name, key_hash, prefix, scopes, expires_at)
    values (
      ${uuidv7()}, ${tenantId}, ${name}, ${hash}, ${prefix}, ${[...scopes]}::text[], ${expiresAt})
    on conflict (key_hash) do nothing
    returning 1`
  if (added.length > 0) return key
  const known = await findApiKey(sql, hash)
  if (known?.tenantId !== tenantId) throw new ApiKeyTakenError(null)
  const isSame =
    isInForce(known, new Date()) &&
    known.expiresAt?.getTime() === expiresAt?.getTime() &&
    [...known.scopes].sort().join() === [...new Set(scopes)].sort().join()
  if (!isSame) throw new ApiKeyTakenError(known)
  return key
}

/** Neither revoked nor expired. */
export function isInForce(
  { revokedAt, expiresAt }: Pick<ApiKey, 'revokedAt' | 'expiresAt'>,
  now: Date,
): boolean {
  return revokedAt === null && (expiresAt === null || expiresAt > now)
}

/** Oldest first, revoked and expired ones among them. */
export async function listApiKeys(sql: Sql, tenantId: number): Promise<ApiKey[]> {
  return sql<ApiKey[]>`
    select api_key_id, tenant_id, name, prefix, scopes, created_at, expires_at, revoked_at
    from api_key
    where tenant_id = ${tenantId}
    order by created_at, api_key_id`
}

/** The key of this hash, whatever its state, and since when its tenant is suspended. */
export async function findApiKey(
  sql: Sql,
  hash: Buffer,
): Promise<(ApiKey & { tenantSuspendedAt: Date | null }) | null> {
  const [row] = await sql<(ApiKey & { tenantSuspendedAt: Date | null })[]>`
    select k.api_key_id, k.tenant_id, k.name, k.prefix, k.scopes, k.created_at, k.expires_at,
      k.revoked_at, t.suspended_at as tenant_suspended_at
    from api_key as k
    join tenant as t using (tenant_id)
    where k.key_hash = ${hash}`
  return row ?? null
}

/** A key of this tenant, whatever its state. */
export async function findApiKeyById(
  sql: Sql,
  tenantId: number,
  apiKeyId: string,
): Promise<ApiKey | null> {
  const [row] = await sql<ApiKey[]>`
    select api_key_id, tenant_id, name, prefix, scopes, created_at, expires_at, revoked_at
    from api_key
    where tenant_id = ${tenantId} and api_key_id = ${apiKeyId}`
  return row ?? null
}

/** `false` when the tenant has no such key in force. Doors may believe it 30 seconds longer. */
export async function revokeApiKey(sql: Sql, tenantId: number, apiKeyId: string): Promise<boolean> {
  const rows = await sql`
    update api_key
    set revoked_at = now()
    where tenant_id = ${tenantId} and api_key_id = ${apiKeyId} and revoked_at is null
    returning 1`
  return rows.length > 0
}
