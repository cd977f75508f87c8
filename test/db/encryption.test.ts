import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createEncryption } from '../../src/db/encryption.ts'

const secret = 'a secret of the tests, long enough'
const encryption = createEncryption(secret, 'tests')
const bytes = fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array))

test('what was encrypted comes back, and never looks the same twice', () => {
  fc.assert(
    fc.property(bytes, fc.string(), (content, context) => {
      const encrypted = encryption.encrypt(context, content)
      expect(encryption.decrypt(context, encrypted)).toEqual(content)
      expect(encryption.encrypt(context, content)).not.toEqual(encrypted)
    }),
  )
})

test('nothing else does: another place, purpose or secret, a byte changed or cut off', () => {
  const encrypted = encryption.encrypt('tenant 1', Buffer.from('hb_live_…'))
  expect(() => encryption.decrypt('tenant 2', encrypted)).toThrow()
  expect(() => createEncryption(secret, 'other').decrypt('tenant 1', encrypted)).toThrow()
  expect(() => createEncryption(`${secret}!`, 'tests').decrypt('tenant 1', encrypted)).toThrow()
  for (let at = 0; at < encrypted.length; at++) {
    const changed = Buffer.from(encrypted)
    changed.writeUInt8(changed.readUInt8(at) ^ 1, at)
    expect(() => encryption.decrypt('tenant 1', changed)).toThrow()
    expect(() => encryption.decrypt('tenant 1', encrypted.subarray(0, at))).toThrow()
  }
})
