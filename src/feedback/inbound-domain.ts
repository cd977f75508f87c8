/**
 * What a domain believes: `signed` only tokens of ours, `verified` also feedback reports whose
 * DKIM signature is that of a known sender, `any` whatever arrives (for tests and closed networks).
 */
export type Accepts = 'signed' | 'verified' | 'any'

/** A domain that feedback is sent to. */
export type InboundDomain = {
  /** A-label, lower-case. */
  domain: string
  /** `null`: of the whole platform; only tokens attribute there. */
  tenantId: number | null
  accepts: Accepts
  /** Local parts taken besides tokens and the usual role addresses, lower-case. */
  roleAddresses: readonly string[]
}
