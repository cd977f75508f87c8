import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'

/** Of what the database must not be able to tell. */
export type Encryption = {
  /** `context` binds the content to its place: elsewhere it cannot be decrypted. */
  encrypt(context: string, content: Buffer): Buffer
  /** Throws when this is not what was encrypted, under this secret and in this context. */
  decrypt(context: string, encrypted: Buffer): Buffer
}

const nonceBytes = 12
const tagBytes = 16

/** AES-256-GCM under a key for one purpose, derived from HEARBACK_SECRET (RFC 5869). */
export function createEncryption(secret: string, purpose: string): Encryption {
  const key = Buffer.from(hkdfSync('sha256', secret, Buffer.alloc(0), purpose, 32))
  return {
    encrypt(context, content) {
      const nonce = randomBytes(nonceBytes)
      const cipher = createCipheriv('aes-256-gcm', key, nonce)
      cipher.setAAD(Buffer.from(context))
      const text = Buffer.concat([cipher.update(content), cipher.final()])
      return Buffer.concat([nonce, cipher.getAuthTag(), text])
    },
    decrypt(context, encrypted) {
      const nonce = encrypted.subarray(0, nonceBytes)
      const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes })
      decipher.setAAD(Buffer.from(context))
      decipher.setAuthTag(encrypted.subarray(nonceBytes, nonceBytes + tagBytes))
      const content = decipher.update(encrypted.subarray(nonceBytes + tagBytes))
      return Buffer.concat([content, decipher.final()])
    },
  }
}
