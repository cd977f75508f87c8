import type { Request, Response } from 'express'
import type { Redis } from '../db/redis.ts'
import type { ApiKeyScope } from '../tenant/api-key.ts'
import { type Authenticator, type AuthenticatorDeps, createAuthenticator } from './authenticate.ts'
import { type Credential, demandScope } from './credential.ts'
import { RateLimitError } from './errors.ts'
import { createRateLimiter, type RateLimiter, rateLimitHeaders } from './rate-limit.ts'

export type Gate = Authenticator & {
  /**
   * Who makes this call, after it was counted; the response says what is left.
   * @throws ApiError 401, 403, 429 or 503.
   */
  admit(request: Request, response: Response, call: GuardedCall): Promise<Credential>
  /** Counts one check of a credential, by its `countedAs`; `null`: nobody counts them. */
  countCheck: RateLimiter | null
}

type GuardedCall = {
  method: string
  path: string
  scope: ApiKeyScope
  /** Checks have a limit of their own; rare calls also one of ten a minute for a tenant. */
  limit?: 'checks' | 'rare'
}

export type GateDeps = AuthenticatorDeps & {
  /** `null`: this process counts alone. */
  redis: Redis | null
  /** Calls and checks a second that one credential may make; 0: as many as it likes. */
  rates: { calls: number; checks: number }
}

const rarePerMinute = 10

/** What stands before every call of the API: who asks, how often, with which rights. */
export function createGate({ redis, rates, ...deps }: GateDeps): Gate {
  const authenticator = createAuthenticator(deps)
  const counts = { redis, now: () => deps.now().getTime() }
  const perSecond = (name: string, limit: number): RateLimiter | null =>
    limit === 0 ? null : createRateLimiter(counts, { name, limit, windowSeconds: 1 })
  const countCall = perSecond('calls', rates.calls)
  const countCheck = perSecond('checks', rates.checks)
  const countRare = createRateLimiter(counts, {
    name: 'rare',
    limit: rarePerMinute,
    windowSeconds: 60,
  })

  return {
    ...authenticator,
    countCheck,
    async admit(request, response, { method, path, scope, limit }) {
      const credential = await authenticator.authenticate(
        request.get('authorization'),
        request.ip ?? '',
      )
      const { tenantId, countedAs } = credential
      await count(limit === 'checks' ? countCheck : countCall, countedAs, response)
      demandScope(credential, scope)
      if (limit === 'rare') await count(countRare, `${tenantId}:${method} ${path}`, response)
      return credential
    },
  }
}

async function count(
  limiter: RateLimiter | null,
  caller: string,
  response: Response,
): Promise<void> {
  if (limiter === null) return
  const allowance = await limiter(caller)
  response.set(rateLimitHeaders(allowance))
  if (allowance.waitMs > 0) throw new RateLimitError(allowance.waitMs)
}
