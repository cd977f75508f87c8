import { domainToASCII } from 'node:url'

/** RFC 5321 section 4.5.3.1: 64 for the local part, 255 for the domain, and the `@`. */
const maxAddressBytes = 320
const maxDomainBytes = 255

const plainAddress = /^[a-z0-9!#$%&'*+/=?^_`{|}~.-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}$/
const domainName =
  /^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/
const numericLastLabel = /(?:^|\.)(?:\d+|0x[0-9a-f]*)$/
// Where U+FFFD stands, bytes that were no UTF-8 have become somebody else's address.
const atomText = /^[^\p{Cc}\p{Cs}\p{Z}\uFFFD()<>@,;:\\"[\]]+$/u
const quotedText = /^[^\p{Cc}\p{Cs}\p{Zl}\p{Zp}\uFFFD]+$/u

/**
 * The one form in which an address is stored, compared and answered: trimmed, lower-case, NFC, the
 * domain as A-labels without a trailing dot, no needless quotes. `null` when it is no address.
 * Databases fold case by locale and so would let a suppressed `İ` through: no other place does this.
 */
export function canonicalAddress(text: string): string | null {
  const trimmed = text.trim()
  if (trimmed.length > maxAddressBytes) return null
  const lower = trimmed.toLowerCase()
  if (plainAddress.test(lower) && labelsFit(lower)) return lower
  const bare = lower.startsWith('<') && lower.endsWith('>') ? lower.slice(1, -1) : lower
  const at = bare.lastIndexOf('@')
  if (at < 1) return null
  const localPart = canonicalLocalPart(bare.slice(0, at))
  const domain = canonicalDomain(bare.slice(at + 1))
  if (localPart === null || domain === null) return null
  const address = `${localPart}@${domain}`
  return Buffer.byteLength(address) > maxAddressBytes ? null : address
}

/** A domain as lower-case A-labels without a trailing dot (RFC 5890); `null` when it is none. */
export function canonicalDomain(text: string): string | null {
  const lower = text.trim().toLowerCase().replace(/\.$/, '')
  if (lower === '' || lower.length > maxDomainBytes) return null
  // Hosts are parsed as in a URL there: only names that need it may pass, or `1.2` becomes an IP.
  const ascii = isAscii(lower) ? lower : /[%/?#\\:@\s]/.test(lower) ? '' : domainToASCII(lower)
  if (ascii.length > maxDomainBytes || !domainName.test(ascii)) return null
  return numericLastLabel.test(ascii) ? null : ascii
}

/** For logs: enough to recognise one's own case, too little to write to the person. */
export function maskAddress(address: string): string {
  const at = address.lastIndexOf('@')
  if (at < 1) return '***'
  return `${address.slice(0, 1)}***@${address.slice(at + 1)}`
}

function canonicalLocalPart(text: string): string | null {
  const normal = text.normalize('NFC')
  if (!normal.startsWith('"')) return atomText.test(normal) ? normal : null
  if (normal.length < 3 || !normal.endsWith('"')) return null
  const content = normal.slice(1, -1).replace(/\\(.)/gs, '$1')
  if (!quotedText.test(content)) return null
  return atomText.test(content) ? content : `"${content.replace(/["\\]/g, '\\$&')}"`
}

function labelsFit(address: string): boolean {
  const domain = address.slice(address.indexOf('@') + 1)
  return domain.length <= maxDomainBytes && domainName.test(domain)
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 127) return false
  return true
}
