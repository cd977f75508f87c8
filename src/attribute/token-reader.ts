import { canonicalDomain } from '../feedback/address.ts'
import type { Keyring } from './keyring.ts'
import { type ReturnPathToken, readReturnPath } from './return-path-token.ts'
import { openSealed, type SealedToken } from './sealed-token.ts'

/** Reads the tokens of one message, each once, however many RCPT TO it has. */
export type TokenReader = {
  /** Those that are ours, of this tenant where one is given; newest first. */
  openSealed(texts: readonly string[], tenantId: number | null): Promise<SealedToken[]>
  readReturnPaths(addresses: readonly string[], tenantId: number | null): Promise<ReturnPathToken[]>
}

export function createTokenReader(keyring: Keyring): TokenReader {
  // Strangers write these, and each key that does not exist is a question to the database.
  const byId = once((id: number) => keyring.byId(id))
  const bySlot = once((place: string) => {
    const [tenantId = 0, slot = 0] = place.split('/').map(Number)
    return keyring.bySlot(tenantId, slot)
  })
  const sealed = once((text: string) => openSealed(text, byId))
  const returnPath = once((address: string) => {
    const at = address.lastIndexOf('@')
    const domain = canonicalDomain(address.slice(at + 1))
    if (domain === null) return Promise.resolve(null)
    return readReturnPath(address.slice(0, at), domain, (tenantId, slot) =>
      bySlot(`${tenantId}/${slot}`),
    )
  })
  return {
    openSealed: async (texts, tenantId) => newestOf(await Promise.all(texts.map(sealed)), tenantId),
    readReturnPaths: async (addresses, tenantId) =>
      newestOf(await Promise.all(addresses.map(returnPath)), tenantId),
  }
}

/** A token of one tenant is worth nothing at the address of another one. */
function newestOf<Token extends { tenantId: number; day: number }>(
  tokens: readonly (Token | null)[],
  tenantId: number | null,
): Token[] {
  return tokens
    .filter((token) => token !== null)
    .filter((token) => tenantId === null || token.tenantId === tenantId)
    .sort((a, b) => b.day - a.day)
}

/** Asks for each key once. */
function once<Key, Value>(find: (key: Key) => Promise<Value>): (key: Key) => Promise<Value> {
  const found = new Map<Key, Promise<Value>>()
  return (key) => {
    const known = found.get(key) ?? find(key)
    found.set(key, known)
    return known
  }
}
