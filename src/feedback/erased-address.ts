import { createHmac, hkdfSync } from 'node:crypto'
import { domainToUnicode } from 'node:url'

/** The whole text has no `@`, so that it can never be an address. */
export const erasedPrefix = 'erased:'
const digestBytes = 20

/** Derived from HEARBACK_SECRET: whoever has the database alone cannot try addresses out. */
export function erasureKey(secret: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, Buffer.alloc(0), 'hearback erasure', 32))
}

/**
 * What stands for the address of an erased person: always the same for one tenant and one canonical
 * address, another one for every other tenant.
 */
export function erasedForm(key: Buffer, tenantId: number, address: string): string {
  const digest = createHmac('sha256', key).update(`${tenantId} ${address}`).digest()
  return erasedPrefix + digest.toString('hex', 0, digestBytes)
}

export function isErasedForm(address: string): boolean {
  return address.startsWith(erasedPrefix)
}

/**
 * Finds an address, whatever its case, in text: as it is, with the domain in its own letters, and
 * written with `=` into a return path. A regular expression of PostgreSQL.
 */
export function mentionPattern(address: string): string {
  const at = address.lastIndexOf('@')
  const localPart = literal(address.slice(0, at))
  const domain = address.slice(at + 1)
  const domains = [...new Set([domain, domainToUnicode(domain)])].map(literal).join('|')
  const start = `(?:(?<![a-z0-9._+-])${localPart}@|(?<![a-z0-9._])${localPart}=)`
  return `${start}(?:${domains})(?![a-z0-9-]|\\.[a-z0-9])`
}

/** JSON puts a backslash before quotes and backslashes. */
function literal(text: string): string {
  return text.replace(/[^\p{L}\p{N}]/gu, (character) => {
    return character === '"' ? '\\\\?"' : character === '\\' ? '\\\\{1,2}' : `\\${character}`
  })
}
