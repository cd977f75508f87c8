import type { Database } from '../db/sql.ts'
import { type ApiKeyScope, apiKeyHash, findApiKey, isApiKey, isInForce } from '../tenant/api-key.ts'
import { ApiError, RateLimitError } from './errors.ts'
import { createFailureLimiter } from './failure-limiter.ts'

/** Who asks: the Authorization field, and where the request comes from. */
type Credentials = { authorization: string | undefined; remoteAddress: string }

/** The tenant on whose behalf a request comes. Throws an ApiError 401, 403 or 429. */
export type Authenticate = (credentials: Credentials, scope: ApiKeyScope) => Promise<number>

type Credential = NonNullable<Awaited<ReturnType<typeof findApiKey>>>

/** How long a revoked key may still work. */
const cacheMs = 30_000
const maxCached = 10_000

/**
 * Reads `Authorization: Bearer <key>`. Only keys that exist are remembered: they go on working
 * while somebody behind the same address guesses.
 */
export function createAuthenticate({ db, now }: { db: Database; now: () => Date }): Authenticate {
  const cache = new Map<string, { credential: Credential; until: number }>()
  const failures = createFailureLimiter(() => performance.now())

  async function find(key: string, remoteAddress: string): Promise<Credential | null> {
    const hash = apiKeyHash(key)
    const id = hash.toString('base64')
    const cached = cache.get(id)
    if (cached && cached.until > performance.now()) return cached.credential
    const waitMs = cached ? 0 : failures.waitMs(remoteAddress)
    if (waitMs > 0) throw new RateLimitError(waitMs)
    const credential = await db.run((sql) => findApiKey(sql, hash))
    cache.delete(id)
    if (credential === null) {
      failures.failed(remoteAddress)
      return null
    }
    const [oldest] = cache.keys()
    if (oldest !== undefined && cache.size >= maxCached) cache.delete(oldest)
    cache.set(id, { credential, until: performance.now() + cacheMs })
    return credential
  }

  return async ({ authorization, remoteAddress }, scope) => {
    const key = bearerKey(authorization)
    const credential = key === null ? null : await find(key, remoteAddress)
    if (credential === null || !isInForce(credential, now())) {
      throw new ApiError(401, 'A valid API key is required')
    }
    if (credential.tenantSuspendedAt) throw new ApiError(403, 'This tenant is suspended')
    if (!credential.scopes.includes(scope)) {
      throw new ApiError(403, 'This API key does not have the scope that the call needs')
    }
    return credential.tenantId
  }
}

/** RFC 6750 section 2.1; the scheme is case-insensitive (RFC 9110 section 11.1). */
function bearerKey(authorization: string | undefined): string | null {
  const key = /^bearer +(\S+)$/i.exec(authorization ?? '')?.[1]
  return key !== undefined && isApiKey(key) ? key : null
}
