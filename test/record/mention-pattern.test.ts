import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { canonicalAddress } from '../../src/feedback/address.ts'
import { erasedForm, erasureKey, mentionPattern } from '../../src/feedback/erased-address.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.drop())

async function mentions(text: string, address: string): Promise<boolean> {
  const [row] = await database.sql`
    select ${text}::text ~* ${mentionPattern(address)}::text as mentions`
  return row?.['mentions']
}

describe('a text mentions jane@example.com', () => {
  test.each([
    'jane@example.com',
    'To: Jane <JANE@Example.COM>',
    'rfc822;jane@example.com',
    '"finalRecipient":"jane@example.com"',
    'mail to jane@example.com.',
    'bounces+jane=example.com@news.example',
    'bounces-jane=example.com@news.example',
  ])('%s', async (text) => {
    expect(await mentions(text, 'jane@example.com')).toBe(true)
  })
  test.each([
    'mary-jane@example.com',
    'mary.jane@example.com',
    'jane@example.com.au',
    'jane@example.community',
    'jane@examplexcom',
    'jane at example.com',
  ])('but %s does not', async (text) => {
    expect(await mentions(text, 'jane@example.com')).toBe(false)
  })
})

test.each([
  ['jörg@xn--mnchen-3ya.de', 'To: jörg@münchen.de'],
  ['"john doe"@example.com', JSON.stringify({ to: '"john doe"@example.com' })],
  ['a.b*c(d)@example.com', 'nothing'],
  ['a|b{1}$^?@example.com', 'a|b{1}$^?@example.com'],
])('%s is found in %s', async (address, text) => {
  expect(await mentions(text, address)).toBe(text !== 'nothing')
})

test('any address is found in text and in JSON', async () => {
  const addresses = fc
    .tuple(fc.string({ minLength: 1, maxLength: 12 }), fc.domain())
    .map(([localPart, domain]) => canonicalAddress(`${localPart}@${domain}`))
    .filter((address) => address !== null)
  await fc.assert(
    fc.asyncProperty(addresses, async (address) => {
      expect(await mentions(`<${address}>`, address)).toBe(true)
      expect(await mentions(JSON.stringify({ a: address }), address)).toBe(true)
    }),
    { numRuns: 200 },
  )
})

test('what stands for an address depends on secret, tenant and address, and is no address', () => {
  const key = erasureKey('a secret of the tests')
  const form = erasedForm(key, 1, 'jane@example.com')
  expect(form).toMatch(/^erased:[0-9a-f]{40}$/)
  expect(canonicalAddress(form)).toBeNull()
  const others = [
    erasedForm(key, 2, 'jane@example.com'),
    erasedForm(key, 1, 'jean@example.com'),
    erasedForm(erasureKey('another secret of the tests'), 1, 'jane@example.com'),
  ]
  expect(new Set([form, ...others]).size).toBe(4)
  // Stored in databases: it must never change.
  expect(form).toBe('erased:adf82e329a2e50e24f2baaf65cae4ec212ea159f')
})
