import { canonicalAddress, canonicalDomain } from '../feedback/address.ts'
import type { InboundDomain } from '../feedback/inbound-domain.ts'
import type { Keyring } from './keyring.ts'
import {
  isReturnPathTokenShaped,
  type ReturnPathToken,
  readReturnPath,
} from './return-path-token.ts'

/** Whether a RCPT TO is ours, and what its local part proves. */
export type Destination =
  | {
      result: 'accepted'
      /** Canonical. */
      rcptTo: string
      /** `null`: postmaster without a domain. */
      domain: InboundDomain | null
      token: ReturnPathToken | null
    }
  | { result: 'unknown-domain' }
  | { result: 'unknown-mailbox' }

/** RFC 2142 section 2 and 5, and the names that feedback loops are enrolled under. */
const roleAddresses: readonly string[] = [
  'abuse',
  'bounce',
  'bounces',
  'fbl',
  'feedback',
  'postmaster',
  'unsubscribe',
]

/**
 * RFC 5321 section 4.5.1 for postmaster. What looks like a token and is none is refused on every
 * domain: mail for it answers something that we never signed.
 */
export async function findDestination(
  keyring: Keyring,
  findDomain: (domain: string) => Promise<InboundDomain | null>,
  rcptTo: string,
): Promise<Destination> {
  if (rcptTo.toLowerCase() === 'postmaster') {
    return { result: 'accepted', rcptTo: 'postmaster', domain: null, token: null }
  }
  const address = canonicalAddress(rcptTo)
  const at = rcptTo.lastIndexOf('@')
  const domainName = at < 0 ? null : canonicalDomain(rcptTo.slice(at + 1))
  const domain = domainName === null ? null : await findDomain(domainName)
  if (domain === null) return { result: 'unknown-domain' }
  if (address === null) return { result: 'unknown-mailbox' }
  const localPart = address.slice(0, address.lastIndexOf('@'))
  if (isReturnPathTokenShaped(localPart)) {
    const token = await readReturnPath(localPart, domain.domain, keyring.bySlot)
    if (token === null || (domain.tenantId !== null && domain.tenantId !== token.tenantId)) {
      return { result: 'unknown-mailbox' }
    }
    return { result: 'accepted', rcptTo: address, domain, token }
  }
  const taken =
    domain.accepts === 'any' ||
    roleAddresses.includes(localPart) ||
    domain.roleAddresses.includes(localPart)
  if (!taken) return { result: 'unknown-mailbox' }
  return { result: 'accepted', rcptTo: address, domain, token: null }
}
