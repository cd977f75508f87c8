import type { Keyring } from '../../src/attribute/keyring.ts'
import { deriveSigningKey, type SigningKey } from '../../src/attribute/signing-key.ts'

export function keyOf(tenantId: number, seed = tenantId): SigningKey {
  return deriveSigningKey({ id: tenantId * 10, tenantId, slot: 0 }, Buffer.alloc(32, seed))
}

/** A keyring of exactly these keys. */
export function keyringOf(...keys: SigningKey[]): Keyring {
  const find = async (match: (key: SigningKey) => boolean) => keys.findLast(match) ?? null
  return {
    bySlot: (tenantId, slot) => find((key) => key.tenantId === tenantId && key.slot === slot),
    known: () => null,
    byId: (id) => find((key) => key.id === id),
    newest: (tenantId) => find((key) => key.tenantId === tenantId),
    load: async () => undefined,
  }
}
