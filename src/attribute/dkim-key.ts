import { type DkimSignature, readTags } from './dkim-signature.ts'

const maxRecordLength = 8 * 1024

/**
 * The one key record (RFC 6376 section 3.6.1) of the TXT records at its name by which a signature
 * may be verified; `null` when there is none, it is withdrawn, for testing, or for something else.
 */
export function usableKey(
  signature: Pick<DkimSignature, 'algorithm' | 'domain' | 'identityDomain'>,
  texts: readonly string[],
): string | null {
  const [record, second] = texts.filter((text) => /(?:^|;)\s*p\s*=/.test(text))
  if (record === undefined || second !== undefined || record.length > maxRecordLength) return null
  const tags = readTags(record)
  if (tags === null || (tags.get('v') ?? 'DKIM1') !== 'DKIM1' || !tags.get('p')) return null
  const type = signature.algorithm === 'rsa-sha256' ? 'rsa' : 'ed25519'
  if ((tags.get('k') ?? 'rsa') !== type) return null
  const list = (name: string) => tags.get(name)?.split(':') ?? null
  if (list('h')?.includes('sha256') === false) return null
  const services = list('s')
  if (services !== null && !services.includes('*') && !services.includes('email')) return null
  const flags = list('t') ?? []
  // RFC 6376 section 3.6.1: mail signed with a key that is tried out counts as unsigned.
  if (flags.includes('y')) return null
  if (flags.includes('s') && signature.identityDomain !== signature.domain) return null
  return record
}
