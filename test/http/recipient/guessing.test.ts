import { expect, onTestFinished, test, vi } from 'vitest'
import { addSigningKey, createKeyring } from '../../../src/attribute/keyring.ts'
import { sealToken } from '../../../src/attribute/sealed-token.ts'
import { useDoor } from '../door.ts'
import { recipientsOf } from './recipient.ts'

const door = useDoor()
const recipients = recipientsOf(door)

/** A token under a key that nobody has. */
function guess(at: number): string {
  const bytes = Buffer.alloc(60, at)
  bytes.writeUInt32BE(100_000 + at)
  return `hb1_${bytes.toString('base64url')}`
}

test('whoever guesses keys is slowed down, and nobody beside him who wants out', async () => {
  const { tenantId } = await door.addTenant()
  const before = await recipients.add({ tenantId })
  // Made by another process, which this one has not heard of.
  await addSigningKey(door.sql, door.secret, tenantId)
  const key = await createKeyring(door.db, door.secret).newest(tenantId)
  if (key === null) throw new Error('no key')
  const rotated = sealToken(key, {
    purpose: 'unsubscribe',
    tenantId,
    day: 20_000,
    groupId: null,
    groupsToDisplay: [],
    messageReference: null,
    recipient: 'rotated@example.com',
  })

  const click = (token: string) =>
    recipients.post(`/u/${token}`, ['List-Unsubscribe', 'One-Click']).then(({ status }) => status)
  // Nothing is paid off meanwhile, however slow the machine.
  vi.spyOn(performance, 'now').mockReturnValue(performance.now())
  onTestFinished(() => void vi.restoreAllMocks())
  const guesses = await Promise.all(Array.from({ length: 300 }, (_, at) => click(guess(at))))
  expect(guesses).toContain(404)
  expect(await click(guess(1_000))).toBe(429)

  expect(await click(before.unsubscribe)).toBe(200)
  expect(await click('garbage')).toBe(404)
  expect(await click(rotated)).toBe(429)
  await door.keyring.load()
  expect(await click(rotated)).toBe(200)
  expect(await click(guess(1_001))).toBe(429)
  expect(await recipients.left('rotated@example.com')).toEqual([0])
})
