import { createHash } from 'node:crypto'
import { deriveSigningKey, type SigningKey } from './signing-key.ts'

/** Which key it is, for tokens to name it. */
export type KeyIdentity = Pick<SigningKey, 'id' | 'tenantId' | 'slot'>

const shape = /^hbk1\.(\d{1,10})\.(\d{1,10})\.(\d{1,3})\.([\w-]{43})\.[0-9a-f]{8}$/
const maxUint32 = 0xffffffff

/**
 * A key as one line (docs/tokens.md, frozen), by which a program signs for its tenant alone:
 * `hbk1` · id · tenant · slot · root in base64url · check, with dots between them.
 */
export function writeKeyExport({ id, tenantId, slot }: KeyIdentity, root: Buffer): string {
  const text = `hbk1.${id}.${tenantId}.${slot}.${root.toString('base64url')}`
  return `${text}.${checkOf(text)}`
}

/** `null` for anything that writeKeyExport does not write: cut, mistyped, of a later version. */
export function readKeyExport(line: string): SigningKey | null {
  const [, id, tenantId, slot, root] = shape.exec(line) ?? []
  if (root === undefined) return null
  const identity = { id: Number(id), tenantId: Number(tenantId), slot: Number(slot) }
  if (Math.max(identity.id, identity.tenantId) > maxUint32 || identity.slot > 255) return null
  const bytes = Buffer.from(root, 'base64url')
  return writeKeyExport(identity, bytes) === line ? deriveSigningKey(identity, bytes) : null
}

/** Against slips of the hand: a wrong key signs as well as a right one, and nobody would notice. */
function checkOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8)
}
