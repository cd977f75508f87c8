import type { Config } from './config.ts'

type JwtValues = Readonly<Record<(typeof needed)[number], string | null>> & {
  HEARBACK_JWT_TENANT_CLAIM: string | null
}

const needed = ['HEARBACK_JWKS_URL', 'HEARBACK_JWT_ISSUER', 'HEARBACK_JWT_AUDIENCE'] as const

/** `null` unless all is there; a part of it is a problem. */
export function readJwt(values: JwtValues, problems: string[]): Config['jwt'] {
  const {
    HEARBACK_JWKS_URL: jwksUrl,
    HEARBACK_JWT_ISSUER: issuer,
    HEARBACK_JWT_AUDIENCE: audience,
    HEARBACK_JWT_TENANT_CLAIM: tenantClaim,
  } = values
  if (jwksUrl !== null && issuer !== null && audience !== null) {
    return { jwksUrl, issuer, audience, tenantClaim: tenantClaim ?? '' }
  }
  const missing = needed.filter((name) => values[name] === null)
  const given = needed.filter((name) => values[name] !== null).join(' and ')
  if (given !== '') problems.push(...missing.map((name) => `${name}: is required beside ${given}`))
  return null
}

/** Whoever can change the keys on their way can sign tokens of every tenant. */
export function warningsOfJwt(jwt: Config['jwt']): string[] {
  const url = jwt === null ? null : new URL(jwt.jwksUrl)
  const isSafe = url === null || url.protocol === 'https:' || isOfThisMachine(url.hostname)
  return isSafe ? [] : ['HEARBACK_JWKS_URL is fetched without TLS: use an https:// URL']
}

function isOfThisMachine(hostname: string): boolean {
  return /^(?:127\.[\d.]+|\[::1\]|localhost)$/.test(hostname)
}
