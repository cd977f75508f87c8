import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'

/** A tenant's key. `root` is 32 random bytes; everything else is derived from it. */
export type SigningKey = {
  /** Global, 32 bits: what a sealed token names. */
  id: number
  tenantId: number
  /** 0–255 within the tenant: what a return-path token has room for. */
  slot: number
  returnPathMac: Buffer
  returnPathDigest: Buffer
  sealMac: Buffer
  sealCipher: Buffer
}

/** Sub-keys by HKDF-SHA-256 without salt (RFC 5869); the labels are frozen, docs/tokens.md. */
export function deriveSigningKey(
  identity: { id: number; tenantId: number; slot: number },
  root: Buffer,
): SigningKey {
  const seal = derive(root, 'seal', 64)
  return {
    ...identity,
    returnPathMac: derive(root, 'rp-mac', 32),
    returnPathDigest: derive(root, 'rp-digest', 32),
    sealMac: seal.subarray(0, 32),
    sealCipher: seal.subarray(32),
  }
}

/** HEARBACK_SECRET is not the one that the signing keys were stored under. */
export class WrongSecretError extends Error {
  override name = 'WrongSecretError'
}

const nonceBytes = 12
const tagBytes = 16

/** AES-256-GCM under HEARBACK_SECRET, bound to the tenant: a row cannot be given to another one. */
export function encryptRoot(secret: string, tenantId: number, root: Buffer): Buffer {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv('aes-256-gcm', wrappingKey(secret), nonce)
  cipher.setAAD(Buffer.from(`signing-key ${tenantId}`))
  const content = Buffer.concat([cipher.update(root), cipher.final()])
  return Buffer.concat([nonce, cipher.getAuthTag(), content])
}

/** Throws a WrongSecretError. */
export function decryptRoot(secret: string, tenantId: number, encrypted: Buffer): Buffer {
  const nonce = encrypted.subarray(0, nonceBytes)
  const decipher = createDecipheriv('aes-256-gcm', wrappingKey(secret), nonce)
  decipher.setAAD(Buffer.from(`signing-key ${tenantId}`))
  decipher.setAuthTag(encrypted.subarray(nonceBytes, nonceBytes + tagBytes))
  const content = decipher.update(encrypted.subarray(nonceBytes + tagBytes))
  try {
    return Buffer.concat([content, decipher.final()])
  } catch (cause) {
    throw new WrongSecretError('the signing keys were stored under another secret', { cause })
  }
}

function wrappingKey(secret: string): Buffer {
  return derive(Buffer.from(secret), 'hearback signing keys', 32)
}

function derive(secret: Buffer, label: string, bytes: number): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, Buffer.alloc(0), label, bytes))
}
