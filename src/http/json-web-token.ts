import { decodeProtectedHeader, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose'
import type { Config } from '../config.ts'
import type { Log } from '../log.ts'
import { type ApiKeyScope, apiKeyScopes } from '../tenant/api-key.ts'
import { ApiError } from './errors.ts'

/** What a token says, after it was found to be the issuer's. */
export type TokenClaims = {
  subject: string
  name: string | null
  /** The name of a tenant, or its id. */
  tenant: string | number
  scopes: readonly ApiKeyScope[]
  /** Unix milliseconds. */
  expiresAt: number
}

export type TokenOptions = Omit<NonNullable<Config['jwt']>, 'jwksUrl'>

/** The issuer's clock may be so many seconds before ours. An end is an end by our clock. */
const clockToleranceSeconds = 60
const maxAgeSeconds = 24 * 3_600
const maxTokenLength = 8 * 1024
const maxText = 255

/** All of them signatures of a private key: what is published verifies and cannot sign. */
const algorithms = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
]
/** RFC 8725 section 3.10: a key that the token brings along or points to is its sender's. */
const refusedHeaders = ['crit', 'jku', 'jwk', 'x5u'] as const
/** RFC 8725 section 3.11: a token made for another purpose is no access token. */
const accessTokenType = /^(?:application\/)?(?:at\+)?jwt$/i

/** Whether the text can be a token, and is too long for a key. */
export function isJsonWebToken(text: string): boolean {
  return text.length <= maxTokenLength && /^[\w-]+\.[\w-]+\.[\w-]+$/.test(text)
}

/**
 * RFC 7519 and 8725: the claims of a token that the issuer made for us, with an end and a tenant;
 * `null` for any other. Throws an ApiError 503 when the issuer's keys cannot be had.
 */
export async function verifyToken(
  token: string,
  { issuer, audience, tenantClaim }: TokenOptions,
  findKey: JWTVerifyGetKey,
  { now, log }: { now: Date; log: Log },
): Promise<TokenClaims | null> {
  try {
    demandPlainHeader(token)
    const { payload } = await jwtVerify(token, findKey, {
      algorithms,
      issuer,
      audience,
      requiredClaims: ['exp', 'sub'],
      maxTokenAge: maxAgeSeconds,
      clockTolerance: clockToleranceSeconds,
      currentDate: now,
    })
    return readClaims(payload, tenantClaim)
  } catch (error) {
    if (error instanceof ApiError) throw error
    const reason = error instanceof Error ? error.message : String(error)
    log.debug({ reason }, 'JSON Web Token refused')
    return null
  }
}

function demandPlainHeader(token: string): void {
  const header = decodeProtectedHeader(token)
  const refused = refusedHeaders.find((name) => Object.hasOwn(header, name))
  if (refused !== undefined) throw new Error(`the header has "${refused}"`)
  if (!accessTokenType.test(header.typ ?? 'JWT')) throw new Error('the header has another "typ"')
}

function readClaims(payload: JWTPayload, tenantClaim: string): TokenClaims {
  const subject = plainText(payload.sub)
  const tenant = Object.hasOwn(payload, tenantClaim) ? payload[tenantClaim] : null
  if (subject === null) throw new Error('the claim "sub" is no plain text')
  return {
    subject,
    name: plainText(payload['name']),
    tenant: isTenantId(tenant) ? tenant : demandName(tenant, tenantClaim),
    scopes: scopesOf(payload),
    expiresAt: (payload.exp ?? 0) * 1_000,
  }
}

function isTenantId(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) > 0 && Number(value) <= 0x7fffffff
}

function demandName(value: unknown, claim: string): string {
  const name = plainText(value)
  if (name === null) throw new Error(`the claim "${claim}" names no tenant`)
  return name
}

/** What the database and the audit trail can hold. */
function plainText(value: unknown): string | null {
  const isPlain = typeof value === 'string' && /^\P{Cc}+$/u.test(value) && value.isWellFormed()
  return isPlain && value.length <= maxText ? value : null
}

/**
 * RFC 8693 section 4.2 and what issuers make of it: of the claims that may hold scopes the first
 * that is there, as a text with blanks or as a list.
 */
function scopesOf(payload: JWTPayload): ApiKeyScope[] {
  const claims = ['scope', 'scp', 'scopes', 'permissions'].map((name) => payload[name])
  const claim = claims.find((value) => value !== undefined)
  const named: unknown[] = typeof claim === 'string' ? claim.split(' ') : [claim].flat()
  return apiKeyScopes.filter((scope) => named.includes(scope))
}
