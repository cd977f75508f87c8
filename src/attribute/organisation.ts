import { getDomain } from 'tldts'

/**
 * The organisational domain (RFC 7489 section 3.2), under which two names count as aligned. One that
 * is itself a public suffix stands for itself.
 */
export function organisationOf(domain: string): string {
  return getDomain(domain, { allowPrivateDomains: true }) ?? domain
}
