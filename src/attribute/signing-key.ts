import { hkdfSync } from 'node:crypto'

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

function derive(secret: Buffer, label: string, bytes: number): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, Buffer.alloc(0), label, bytes))
}
