import { createEncryption, type Encryption } from '../db/encryption.ts'

/** HEARBACK_SECRET is not the one that the signing keys were stored under. */
export class WrongSecretError extends Error {
  override name = 'WrongSecretError'
}

/** Bound to the tenant: a row cannot be given to another one. */
export function encryptRoot(secret: string, tenantId: number, root: Buffer): Buffer {
  return encryptionOf(secret).encrypt(contextOf(tenantId), root)
}

/** Throws a WrongSecretError. */
export function decryptRoot(secret: string, tenantId: number, encrypted: Buffer): Buffer {
  try {
    return encryptionOf(secret).decrypt(contextOf(tenantId), encrypted)
  } catch (cause) {
    throw new WrongSecretError('the signing keys were stored under another secret', { cause })
  }
}

function encryptionOf(secret: string): Encryption {
  return createEncryption(secret, 'hearback signing keys')
}

function contextOf(tenantId: number): string {
  return `signing-key ${tenantId}`
}
