import { createCipheriv, createDecipheriv, createHmac, timingSafeEqual } from 'node:crypto'
import { canonicalAddress } from '../feedback/address.ts'
import type { SigningKey } from './signing-key.ts'

/**
 * What a sealed token says (docs/tokens.md, frozen). Its purpose limits which doors it opens:
 * a reference only attributes, an unsubscribe token opens /u, a preferences token /p.
 */
export type SealedToken = {
  purpose: SealedPurpose
  tenantId: number
  day: number
  /** `null`: all mail. */
  groupId: number | null
  groupsToDisplay: readonly number[]
  /** 16 hex digits. */
  messageReference: string | null
  /** Canonical address. */
  recipient: string
}

export type SealedPurpose = 'reference' | 'unsubscribe' | 'preferences'

/** In the order of their numbers, from 1 on. */
export const sealedPurposes: readonly SealedPurpose[] = ['reference', 'unsubscribe', 'preferences']

const prefix = 'hb1_'
const ivBytes = 16
const referenceBytes = 8
/** purpose 1 · tenant 4 · day 2 · group 4 · reference length 1 · number of groups 1 */
const fixedBytes = 13
/** As many as the v3 API accepts in groups_to_display. */
export const maxGroupsToDisplay = 25

/**
 * `hb1_` and base64url (RFC 4648 section 5, no padding) of key id 4 · IV 16 · ciphertext. The IV is
 * an HMAC of the content (SIV, as in RFC 5297): the same content gives the same token, and a token
 * that was changed does not open. Throws a RangeError for more groups than there is room for.
 */
export function sealToken(key: SigningKey, content: SealedToken): string {
  const plain = encode(content)
  const keyId = Buffer.alloc(4)
  keyId.writeUInt32BE(key.id)
  const iv = syntheticIv(key, keyId, plain)
  const cipher = createCipheriv('aes-256-ctr', key.sealCipher, iv)
  const sealed = Buffer.concat([keyId, iv, cipher.update(plain), cipher.final()])
  return prefix + sealed.toString('base64url')
}

/** `null` for anything that is not a token of ours. */
export async function openSealed(
  text: string,
  findKey: (id: number) => Promise<SigningKey | null>,
): Promise<SealedToken | null> {
  if (!text.startsWith(prefix)) return null
  const sealed = Buffer.from(text.slice(prefix.length), 'base64url')
  // Buffer.from is lenient; only the one spelling that sealToken writes is a token.
  if (sealed.toString('base64url') !== text.slice(prefix.length)) return null
  if (sealed.length < 4 + ivBytes + fixedBytes + 1) return null
  const keyId = sealed.subarray(0, 4)
  const key = await findKey(keyId.readUInt32BE())
  if (key === null) return null
  const iv = sealed.subarray(4, 4 + ivBytes)
  const decipher = createDecipheriv('aes-256-ctr', key.sealCipher, iv)
  const plain = Buffer.concat([decipher.update(sealed.subarray(4 + ivBytes)), decipher.final()])
  if (!timingSafeEqual(iv, syntheticIv(key, keyId, plain))) return null
  const content = decode(plain)
  return content?.tenantId === key.tenantId ? content : null
}

function syntheticIv(key: SigningKey, keyId: Buffer, plain: Buffer): Buffer {
  const context = Buffer.from('hearback sealed 1\0')
  const hmac = createHmac('sha256', key.sealMac).update(context).update(keyId).update(plain)
  return hmac.digest().subarray(0, ivBytes)
}

function encode(content: SealedToken): Buffer {
  const reference = Buffer.from(content.messageReference ?? '', 'hex')
  const { groupsToDisplay: groups } = content
  if (groups.length > maxGroupsToDisplay) {
    throw new RangeError(`a token has room for ${maxGroupsToDisplay} groups to display`)
  }
  const plain = Buffer.alloc(fixedBytes + reference.length + 4 * groups.length)
  let at = plain.writeUInt8(sealedPurposes.indexOf(content.purpose) + 1)
  at = plain.writeUInt32BE(content.tenantId, at)
  at = plain.writeUInt16BE(content.day, at)
  at = plain.writeUInt32BE(content.groupId ?? 0, at)
  at = plain.writeUInt8(reference.length, at)
  at += reference.copy(plain, at)
  at = plain.writeUInt8(groups.length, at)
  for (const group of groups) at = plain.writeUInt32BE(group, at)
  return Buffer.concat([plain, Buffer.from(content.recipient)])
}

function decode(plain: Buffer): SealedToken | null {
  const purpose = sealedPurposes[plain.readUInt8(0) - 1]
  const groupId = plain.readUInt32BE(7)
  const referenceLength = plain.readUInt8(11)
  const groupsAt = 12 + referenceLength
  if (purpose === undefined || (referenceLength !== 0 && referenceLength !== referenceBytes)) {
    return null
  }
  if (groupsAt >= plain.length) return null
  const recipientAt = groupsAt + 1 + 4 * plain.readUInt8(groupsAt)
  if (recipientAt >= plain.length) return null
  const groupsToDisplay: number[] = []
  for (let at = groupsAt + 1; at < recipientAt; at += 4)
    groupsToDisplay.push(plain.readUInt32BE(at))
  // Programs with a key of their own may have sealed any spelling; lists know only one.
  const recipient = canonicalAddress(plain.toString('utf8', recipientAt))
  if (recipient === null) return null
  return {
    purpose,
    tenantId: plain.readUInt32BE(1),
    day: plain.readUInt16BE(5),
    groupId: groupId === 0 ? null : groupId,
    groupsToDisplay,
    messageReference: referenceLength === 0 ? null : plain.toString('hex', 12, groupsAt),
    recipient,
  }
}
