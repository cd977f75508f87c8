import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  ApiKeyTakenError,
  addApiKey,
  apiKeyHash,
  findApiKey,
  listApiKeys,
  revokeApiKey,
} from '../../src/tenant/api-key.ts'
import { addTenant } from '../../src/tenant/tenants.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

let database: TestDatabase
let tenantId: number

beforeAll(async () => {
  database = await createTestDatabase()
  ;({ tenantId } = await addTenant(database.sql, 'acme'))
})
afterAll(() => database.drop())

const wanted = { name: 'mailer', scopes: ['suppressions.read'], expiresAt: null } as const

test('a generated key is shown once and found by its hash alone', async () => {
  const key = await addApiKey(database.sql, { ...wanted, tenantId, key: null })
  expect(key).toMatch(/^hb_live_[0-9a-f]{40}$/)
  const found = await findApiKey(database.sql, apiKeyHash(key))
  expect(found).toMatchObject({ tenantId, name: 'mailer', scopes: ['suppressions.read'] })
  expect(found?.prefix).toBe(key.slice(0, 12))
  const stored = await database.sql`select k::text as text from api_key as k`
  expect(stored.some(({ text }) => text.includes(key))).toBe(false)
})

test('a given key is stored once, however often it is added, and stays revoked', async () => {
  const key = 'a-key-of-our-own-choice'
  const own = { ...wanted, tenantId, key }
  expect(await addApiKey(database.sql, own)).toBe(key)
  expect(await addApiKey(database.sql, { ...own, name: 'again' })).toBe(key)
  const keys = (await listApiKeys(database.sql, tenantId)).filter(({ prefix }) => prefix === 'a-ke')
  expect(keys).toHaveLength(1)
  expect(keys[0]?.name).toBe('mailer')
  const id = keys[0]?.apiKeyId ?? ''
  expect(await revokeApiKey(database.sql, tenantId + 1, id)).toBe(false)
  expect(await revokeApiKey(database.sql, tenantId, id)).toBe(true)
  expect(await revokeApiKey(database.sql, tenantId, id)).toBe(false)
  await expect(addApiKey(database.sql, own)).rejects.toThrow(ApiKeyTakenError)
  expect((await findApiKey(database.sql, apiKeyHash(key)))?.revokedAt).not.toBeNull()
})

test.each([
  ['more scopes', { scopes: ['suppressions.read', 'suppressions.write'] as const }],
  ['no end', { expiresAt: null }],
  ['another end', { expiresAt: new Date('2101-01-01') }],
])('a key that exists does not pass for one with %s', async (what, other) => {
  const own = { ...wanted, tenantId, key: `a-key-and-${what.replace(' ', '-')}` }
  const first = { ...own, expiresAt: new Date('2100-01-01') }
  await addApiKey(database.sql, first)
  expect(await addApiKey(database.sql, first)).toBe(own.key)
  const known = { scopes: ['suppressions.read'], expiresAt: first.expiresAt }
  await expect(addApiKey(database.sql, { ...first, ...other })).rejects.toMatchObject({ known })
})

test('a key that has expired does not pass for a new one', async () => {
  const expired = { ...wanted, tenantId, key: 'a-key-of-former-days', expiresAt: new Date(0) }
  await addApiKey(database.sql, expired)
  await expect(addApiKey(database.sql, expired)).rejects.toThrow(ApiKeyTakenError)
})

test('a key of another tenant is refused', async () => {
  const other = await addTenant(database.sql, 'other')
  const key = 'the-key-of-one-tenant'
  await addApiKey(database.sql, { ...wanted, tenantId, key })
  const stolen = addApiKey(database.sql, { ...wanted, tenantId: other.tenantId, key })
  await expect(stolen).rejects.toThrow('another tenant')
})

test.each(['short', 'x'.repeat(129), 'with spaces in between', 'with-ümlauts-in-it', ''])(
  '%j is no key',
  async (key) => {
    await expect(addApiKey(database.sql, { ...wanted, tenantId, key })).rejects.toThrow(RangeError)
  },
)
