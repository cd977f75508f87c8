import { createHash } from 'node:crypto'
import type { Actor } from '../feedback/actor.ts'
import type { ApiKeyScope, findApiKey } from '../tenant/api-key.ts'
import { ApiError } from './errors.ts'
import type { TokenClaims } from './json-web-token.ts'

/** Who asks, by a key or token that exists, and what they may. */
export type Credential = {
  tenantId: number
  isTenantSuspended: boolean
  actor: Actor
  scopes: readonly ApiKeyScope[]
  /** Under which its calls are counted: the tenant and a hash, nothing of the key itself. */
  countedAs: string
  /** Good for nothing from then on; unix milliseconds. */
  endsAt: number
}

export function credentialOfKey(
  key: NonNullable<Awaited<ReturnType<typeof findApiKey>>>,
): Credential {
  const { apiKeyId, tenantId, name, scopes, expiresAt, revokedAt, tenantSuspendedAt } = key
  return {
    tenantId,
    isTenantSuspended: tenantSuspendedAt !== null,
    actor: { kind: 'api-key', id: apiKeyId, name },
    scopes,
    countedAs: countedAs(tenantId, `api-key ${apiKeyId}`),
    endsAt: revokedAt === null ? (expiresAt?.getTime() ?? Number.POSITIVE_INFINITY) : 0,
  }
}

/** All tokens of one subject are counted together. */
export function credentialOfToken(
  { subject, name, scopes, expiresAt }: TokenClaims,
  { tenantId, suspendedAt }: { tenantId: number; suspendedAt: Date | null },
): Credential {
  return {
    tenantId,
    isTenantSuspended: suspendedAt !== null,
    actor: { kind: 'jwt', id: subject, name },
    scopes,
    countedAs: countedAs(tenantId, `jwt ${subject}`),
    endsAt: expiresAt,
  }
}

/** Throws an ApiError 403. */
export function demandScope({ isTenantSuspended, scopes }: Credential, scope: ApiKeyScope): void {
  if (isTenantSuspended) throw new ApiError(403, 'This tenant is suspended')
  if (!scopes.includes(scope)) {
    throw new ApiError(403, 'This credential does not have the scope that the call needs')
  }
}

function countedAs(tenantId: number, identity: string): string {
  return `${tenantId}:${createHash('sha256').update(identity).digest('base64url')}`
}
