import { createHmac, timingSafeEqual } from 'node:crypto'
import { decodeBase32, encodeBase32 } from './base32.ts'
import type { SigningKey } from './signing-key.ts'

/**
 * The local part of a signed return path (docs/tokens.md, frozen): the prefix, then base32 of
 * key slot 1 · tenant 4 · issue day 2 · [message reference 8] · recipient digest 8 · MAC 10 bytes,
 * numbers big-endian. 41 or 54 characters of the 64 that RFC 5321 section 4.5.3.1.1 allows.
 */
export type ReturnPathToken = {
  tenantId: number
  day: number
  /** 16 hex digits. */
  messageReference: string | null
  recipientDigest: Buffer
  key: SigningKey
}

const prefix = 'b'
const referenceBytes = 8
const digestBytes = 8
const macBytes = 10
const shape = /^b(?:[a-z2-7]{40}|[a-z2-7]{53})$/i

/** Whether a local part can only be meant as a token: then a bad one is refused on every domain. */
export function isReturnPathTokenShaped(localPart: string): boolean {
  return shape.test(localPart)
}

/** The local part. `recipient` and `domain` must be canonical. */
export function signReturnPath(
  key: SigningKey,
  claim: { domain: string; recipient: string; messageReference: string | null; day: number },
): string {
  const head = Buffer.alloc(7)
  head.writeUInt8(key.slot, 0)
  head.writeUInt32BE(key.tenantId, 1)
  head.writeUInt16BE(claim.day, 5)
  const reference =
    claim.messageReference === null ? Buffer.alloc(0) : Buffer.from(claim.messageReference, 'hex')
  const payload = Buffer.concat([head, reference, recipientDigest(key, claim.recipient)])
  return prefix + encodeBase32(Buffer.concat([payload, mac(key, claim.domain, payload)]))
}

/**
 * `null` for anything that is not a token of ours for this domain. `findKey` gives the tenant's key
 * of a slot.
 */
export async function readReturnPath(
  localPart: string,
  domain: string,
  findKey: (tenantId: number, slot: number) => Promise<SigningKey | null>,
): Promise<ReturnPathToken | null> {
  if (!isReturnPathTokenShaped(localPart)) return null
  const bytes = decodeBase32(localPart.slice(1))
  if (bytes === null) return null
  const payload = bytes.subarray(0, -macBytes)
  const tenantId = payload.readUInt32BE(1)
  const key = await findKey(tenantId, payload.readUInt8(0))
  if (key === null) return null
  if (!timingSafeEqual(bytes.subarray(-macBytes), mac(key, domain, payload))) return null
  const reference = payload.subarray(7, -digestBytes)
  return {
    tenantId,
    day: payload.readUInt16BE(5),
    messageReference: reference.length === referenceBytes ? reference.toString('hex') : null,
    recipientDigest: payload.subarray(-digestBytes),
    key,
  }
}

/** Whether this is the address that the mail went to. `address` must be canonical. */
export function isRecipientOf(token: ReturnPathToken, address: string): boolean {
  return timingSafeEqual(token.recipientDigest, recipientDigest(token.key, address))
}

/** What a token says of its recipient. `recipient` must be canonical. */
export function recipientDigest(key: SigningKey, recipient: string): Buffer {
  return hmac(key.returnPathDigest, Buffer.from(recipient)).subarray(0, digestBytes)
}

function mac(key: SigningKey, domain: string, payload: Buffer): Buffer {
  const context = Buffer.from(`hearback return-path 1\0${domain}\0${prefix}`)
  return hmac(key.returnPathMac, Buffer.concat([context, payload])).subarray(0, macBytes)
}

function hmac(key: Buffer, content: Buffer): Buffer {
  return createHmac('sha256', key).update(content).digest()
}
