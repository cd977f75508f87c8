import { expect, test } from 'vitest'
import { openSealed, sealToken } from '../../../src/attribute/sealed-token.ts'
import { deriveSigningKey } from '../../../src/attribute/signing-key.ts'
import { RateLimitError } from '../../../src/http/errors.ts'
import { createOpenToken } from '../../../src/http/recipient/open-token.ts'

const keyOf = (id: number) => deriveSigningKey({ id, tenantId: 7, slot: 0 }, Buffer.alloc(32, id))
const byId = async (id: number) => (id < 10 ? keyOf(id) : null)
const keyring = { byId, bySlot: async () => null, newest: async () => null, load: async () => {} }

/** Nobody was. */
const erasure = {
  hasErased: async () => false,
  storedForms: async (_tenantId: number, addresses: readonly string[]) => addresses,
}

const content = {
  purpose: 'unsubscribe' as const,
  tenantId: 7,
  day: 20_000,
  groupId: 3,
  groupsToDisplay: [1, 2],
  messageReference: '00112233445566ff',
  recipient: 'jane@example.com',
}

function guess(at: number): string {
  const bytes = Buffer.alloc(60, at)
  bytes.writeUInt32BE(100_000 + at)
  return `hb1_${bytes.toString('base64url')}`
}

test('a token comes with the one that opens the page of preferences, under the same key', async () => {
  const openToken = createOpenToken(keyring, erasure)
  const opened = await openToken(sealToken(keyOf(1), content), '192.0.2.1')
  expect(opened?.token).toEqual(content)
  expect(opened?.maskedAddress).toBe('j***@example.com')
  const preferencesToken = opened?.preferencesToken ?? ''
  const asked: number[] = []
  const findKey = (id: number) => {
    asked.push(id)
    return byId(id)
  }
  expect(await openSealed(preferencesToken, findKey)).toEqual({
    ...content,
    purpose: 'preferences',
  })
  expect(asked).toEqual([1])
  expect((await openToken(preferencesToken, '192.0.2.1'))?.preferencesToken).toBe(preferencesToken)
})

test('whoever guesses is slowed down; those who click from the same address are not', async () => {
  const openToken = createOpenToken(keyring, erasure)
  const genuine = sealToken(keyOf(1), content)
  await openToken(genuine, '192.0.2.1')
  const guesses = await Promise.allSettled(
    Array.from({ length: 500 }, (_, at) => openToken(guess(at), '192.0.2.1')),
  )
  expect(guesses.some(({ status }) => status === 'fulfilled')).toBe(true)
  await expect(openToken(guess(1_000), '192.0.2.1')).rejects.toBeInstanceOf(RateLimitError)
  expect(await openToken(genuine, '192.0.2.1')).not.toBeNull()
  expect(await openToken(guess(1_001), '192.0.2.2')).toBeNull()
})
