import { hash } from 'node:crypto'
import type { Config } from '../config.ts'
import type { Database } from '../db/sql.ts'
import type { Log } from '../log.ts'
import { apiKeyHash, findApiKey, isApiKey } from '../tenant/api-key.ts'
import { findTenant, findTenantById } from '../tenant/tenants.ts'
import { type Credential, credentialOfKey, credentialOfToken } from './credential.ts'
import { ApiError, RateLimitError } from './errors.ts'
import { createFailureLimiter } from './failure-limiter.ts'
import { isJsonWebToken, verifyToken } from './json-web-token.ts'
import { createTokenKeys } from './json-web-token-keys.ts'

export type Authenticator = {
  /** Throws an ApiError 401, 429 to an address that guesses, or 503. */
  authenticate(authorization: string | undefined, remoteAddress: string): Promise<Credential>
  /** A credential that was good within the last 30 seconds and still is; `null`: ask properly. */
  remembered(authorization: string): Credential | null
  /** A key that was just revoked opens nothing more in this process. */
  forgetApiKey(apiKeyId: string): void
}

export type AuthenticatorDeps = {
  db: Database
  /** `null`: only keys are accepted. */
  jwt: Config['jwt']
  log: Log
  now: () => Date
}

/** Under `id`, the SHA-256 of what was sent, until `until` on the monotonic clock. */
type Remembered = { credential: Credential; until: number }

/** How long a revoked key may still work in other processes. */
const cacheMs = 30_000
const maxCached = 10_000

/**
 * Reads `Authorization: Bearer <API key or JSON Web Token>`. Only credentials that exist are
 * remembered: they go on working while somebody behind the same address guesses.
 */
export function createAuthenticator({ db, jwt, log, now }: AuthenticatorDeps): Authenticator {
  const cache = new Map<string, Remembered>()
  const failures = createFailureLimiter(() => performance.now())
  const findKey = jwt && createTokenKeys(jwt.jwksUrl, log, () => performance.now())
  let revocations = 0

  async function authenticate(
    authorization: string | undefined,
    remoteAddress: string,
  ): Promise<Credential> {
    const bearer = bearerOf(authorization)
    const credential = bearer === null ? null : await find(bearer, remoteAddress)
    if (credential !== null && isInForce(credential)) return credential
    throw new ApiError(401, 'A valid API key or token is required')
  }

  async function find(bearer: string, remoteAddress: string): Promise<Credential | null> {
    const id = idOf(bearer)
    const known = cache.get(id)
    if (known && known.until > performance.now()) return known.credential
    const waitMs = known ? 0 : failures.waitMs(remoteAddress)
    if (waitMs > 0) throw new RateLimitError(waitMs)
    const before = revocations
    const credential = isApiKey(bearer) ? await findByKey(bearer) : await findByToken(bearer)
    cache.delete(id)
    if (credential === null) failures.failed(remoteAddress)
    else if (before === revocations) remember(id, credential)
    return credential
  }

  async function findByKey(key: string): Promise<Credential | null> {
    const found = await db.run((sql) => findApiKey(sql, apiKeyHash(key)))
    return found && credentialOfKey(found)
  }

  async function findByToken(token: string): Promise<Credential | null> {
    if (jwt === null || findKey === null) return null
    const claims = await verifyToken(token, jwt, findKey, { now: now(), log })
    if (claims === null) return null
    const { tenant: named } = claims
    const tenant = await db.run((sql) =>
      typeof named === 'string' ? findTenant(sql, named) : findTenantById(sql, named),
    )
    return tenant && credentialOfToken(claims, tenant)
  }

  function remember(id: string, credential: Credential): void {
    const [oldest] = cache.keys()
    if (oldest !== undefined && cache.size >= maxCached) cache.delete(oldest)
    cache.set(id, { credential, until: performance.now() + cacheMs })
  }

  function isInForce({ endsAt }: Credential): boolean {
    return endsAt > now().getTime()
  }

  return {
    authenticate,
    remembered(authorization) {
      const bearer = bearerOf(authorization)
      const known = bearer === null ? undefined : cache.get(idOf(bearer))
      if (known === undefined || known.until <= performance.now()) return null
      return isInForce(known.credential) ? known.credential : null
    },
    forgetApiKey(apiKeyId) {
      revocations++
      for (const [id, { credential }] of cache) {
        if (credential.actor.id === apiKeyId) cache.delete(id)
      }
    },
  }
}

/** In one call, which takes half the time: checks are asked for before every mail. */
function idOf(bearer: string): string {
  return hash('sha256', bearer, 'base64')
}

/** RFC 6750 section 2.1; the scheme is case-insensitive (RFC 9110 section 11.1). */
function bearerOf(authorization: string | undefined): string | null {
  const bearer = /^bearer +(\S+)$/i.exec(authorization ?? '')?.[1]
  return bearer !== undefined && (isApiKey(bearer) || isJsonWebToken(bearer)) ? bearer : null
}
