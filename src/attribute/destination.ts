import { canonicalAddress, canonicalDomain } from '../feedback/address.ts'
import type { InboundDomain } from '../feedback/inbound-domain.ts'
import { findSealedTokens } from '../feedback/sealed-token-text.ts'
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
      /** Texts in its local part that are shaped like sealed tokens. */
      sealedTokens: readonly string[]
    }
  | { result: 'unknown-domain' }
  | { result: 'unknown-mailbox' }
  /** It looks like a return path of ours, and is none of this domain. */
  | { result: 'forged-return-path' }

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
 * RFC 5321 section 4.5.1 for postmaster. What looks like a return path of ours and is none is
 * refused on every domain: mail for it answers something that we never signed. A sealed token is
 * taken unread: whoever wants to unsubscribe is not to hear of codes.
 */
export async function findDestination(
  keyring: Keyring,
  findDomain: (domain: string) => Promise<InboundDomain | null>,
  rcptTo: string,
): Promise<Destination> {
  if (rcptTo.toLowerCase() === 'postmaster') return unclaimed('postmaster')
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
      return { result: 'forged-return-path' }
    }
    return { result: 'accepted', rcptTo: address, domain, token, sealedTokens: [] }
  }
  // Not of the canonical address: sealed tokens tell cases apart.
  const [sealed = null] = findSealedTokens(rcptTo.slice(0, at))
  const mailbox = sealed === null ? localPart : mailboxOf(localPart, sealed)
  const taken =
    domain.accepts === 'any' ||
    mailbox === '' ||
    roleAddresses.includes(mailbox) ||
    domain.roleAddresses.includes(mailbox)
  if (!taken) return { result: 'unknown-mailbox' }
  const sealedTokens = sealed === null ? [] : [sealed]
  return { result: 'accepted', rcptTo: address, domain, token: null, sealedTokens }
}

/** A recipient that is nobody's. */
export function unclaimed(rcptTo: string): Extract<Destination, { result: 'accepted' }> {
  return { result: 'accepted', rcptTo, domain: null, token: null, sealedTokens: [] }
}

/** `unsubscribe` of `unsubscribe+hb1_…`; '' for a token alone. */
function mailboxOf(localPart: string, sealed: string): string {
  return localPart.endsWith(sealed.toLowerCase())
    ? localPart.slice(0, -sealed.length).replace(/[+=.-]$/, '')
    : localPart
}
