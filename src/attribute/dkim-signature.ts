import { canonicalDomain } from '../feedback/address.ts'
import { type HeaderField, type StrictHeader, unfoldedValue } from './dkim-header.ts'

/** A DKIM signature (RFC 6376 section 3.5) that is worth verifying. */
export type DkimSignature = {
  field: HeaderField
  algorithm: 'rsa-sha256' | 'ed25519-sha256'
  /** d=, canonical. */
  domain: string
  /** Domain of i=, which is `domain` or below it. */
  identityDomain: string
  /** Where the key stands in DNS. */
  keyName: string
  /** h=, lower-case. */
  signed: readonly string[]
}

/** Why a signature proves nothing, whatever its key says. */
export type SignatureFault =
  | 'malformed'
  | 'algorithm'
  | 'part-of-the-body'
  | 'expired'
  | 'unsigned-field'

/** Some sign each name twice, so that none can be added; nobody signs more than a hundred. */
const maxSigned = 200
const fieldName = /^[a-z0-9-]{1,100}$/

/** Fields by which a message is read: what a signature leaves out of them anybody can change. */
const decisive: readonly string[] = ['from', 'to', 'content-type', 'content-transfer-encoding']

/**
 * Reads one DKIM-Signature of `header` and holds it to more than RFC 6376 asks for: what signs only
 * the head of the body or leaves out a field that decides is worth nothing here.
 */
export function readSignature(
  field: HeaderField,
  header: StrictHeader,
  at: Date,
): DkimSignature | SignatureFault {
  const tags = readTags(unfoldedValue(field))
  if (tags === null || tags.get('v') !== '1') return 'malformed'
  const algorithm = tags.get('a')?.toLowerCase()
  if (algorithm !== 'rsa-sha256' && algorithm !== 'ed25519-sha256') return 'algorithm'
  if (tags.has('l')) return 'part-of-the-body'
  if (isExpired(tags, at)) return 'expired'
  const domain = asciiDomain(tags.get('d'))
  const selector = selectorText.exec(tags.get('s') ?? '')?.[0].toLowerCase() ?? null
  const signed = (tags.get('h') ?? '').toLowerCase().split(':')
  const identityDomain = identityOf(tags.get('i'), domain)
  if (domain === null || selector === null || identityDomain === null) return 'malformed'
  if (signed.length > maxSigned || !signed.every((name) => fieldName.test(name))) return 'malformed'
  // It would be verified without the others, and so differently.
  if (signed.includes('dkim-signature')) return 'malformed'
  const present = decisive.filter((name) => header.fields.some((one) => one.name === name))
  if (!present.every((name) => signed.includes(name))) return 'unsigned-field'
  const keyName = `${selector}._domainkey.${domain}`
  return { field, algorithm, domain, identityDomain, keyName, signed }
}

/**
 * RFC 6376 section 3.2, as all signers write it: without quotes, escapes and comments, which not all
 * programs read alike. White space counts for nothing in any tag that is used here.
 */
export function readTags(text: string): Map<string, string> | null {
  if (/[^\x20-\x7e\t]|["'\\()]/.test(text)) return null
  const tags = new Map<string, string>()
  for (const part of text.replace(/[ \t]+/g, '').split(';')) {
    if (part === '') continue
    const equals = part.indexOf('=')
    const name = part.slice(0, Math.max(0, equals))
    if (!/^[a-z][a-z0-9_]{0,30}$/.test(name) || tags.has(name)) return null
    tags.set(name, part.slice(equals + 1))
  }
  return tags
}

/** Time enough for a clock that is ahead. */
const graceSeconds = 3_600

function isExpired(tags: ReadonlyMap<string, string>, at: Date): boolean {
  const now = at.getTime() / 1000
  const signedAt = secondsOf(tags.get('t'))
  const expiresAt = secondsOf(tags.get('x'))
  if (signedAt !== null && !(signedAt <= now + graceSeconds)) return true
  return expiresAt !== null && !(expiresAt > now && expiresAt > (signedAt ?? 0))
}

/** `null` for none, NaN for what is no time. */
function secondsOf(value: string | undefined): number | null {
  if (value === undefined) return null
  return /^\d{1,12}$/.test(value) ? Number(value) : Number.NaN
}

/** Names of days and numbers are usual, so it need not look like a domain. */
const selectorText = /^[a-z0-9_](?:[a-z0-9_.-]{0,100}[a-z0-9_])?$/i

/** RFC 8616 allows other letters; senders of feedback loops need none. */
function asciiDomain(value: string | undefined): string | null {
  return value !== undefined && /^[\x21-\x7e]{1,200}$/.test(value) ? canonicalDomain(value) : null
}

function identityOf(value: string | undefined, domain: string | null): string | null {
  if (value === undefined) return domain
  const identity = asciiDomain(value.slice(value.lastIndexOf('@') + 1))
  return identity === domain || identity?.endsWith(`.${domain}`) ? identity : null
}
