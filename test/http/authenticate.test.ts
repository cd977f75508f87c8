import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import {
  addApiKey,
  apiKeyHash,
  apiKeyScopes,
  listApiKeys,
  revokeApiKey,
} from '../../src/tenant/api-key.ts'
import { useDoor } from './door.ts'
import { routes } from './routes.ts'
import { sampleRequests } from './sample-request.ts'

const door = useDoor()

const calls = routes.flatMap((route) =>
  sampleRequests(route).map((request) => ({ ...request, scope: route.scope })),
)

const detail = 'A valid API key or token is required'
const unauthorized = { detail, errors: [{ message: detail, field: null, help: null }] }

describe('401', () => {
  test.each(calls)('$method $path without a key', async ({ method, path }) => {
    const reply = await door.call(method, path)
    expect(reply.status).toBe(401)
    expect(reply.json).toEqual(unauthorized)
    expect(reply.headers.get('www-authenticate')).toBe('Bearer')
  })

  test('one body for every way in which a credential fails', async () => {
    const { tenantId, key } = await door.addTenant()
    const expired = await addApiKey(door.sql, {
      tenantId,
      name: 'expired',
      scopes: apiKeyScopes,
      expiresAt: new Date(Date.now() - 1000),
      key: null,
    })
    const revoked = await addApiKey(door.sql, {
      tenantId,
      name: 'revoked',
      scopes: apiKeyScopes,
      expiresAt: null,
      key: null,
    })
    const named = (await listApiKeys(door.sql, tenantId)).find(({ name }) => name === 'revoked')
    expect(await revokeApiKey(door.sql, tenantId, named?.apiKeyId ?? '')).toBe(true)
    for (const authorization of [
      `Bearer ${expired}`,
      `Bearer ${revoked}`,
      'Bearer hb_live_0000000000000000000000000000000000000000',
      'Bearer short',
      `Bearer ${key}${key}${key}`,
      `Bearer ${key} ${key}`,
      `Basic ${Buffer.from(`user:${key}`).toString('base64')}`,
      key,
      'Bearer',
      `Bearer ${apiKeyHash(key).toString('hex')}`,
    ]) {
      const reply = await door.call('GET', '/v3/suppression/bounces', {
        headers: { authorization },
      })
      expect([reply.status, reply.json]).toEqual([401, unauthorized])
    }
  })

  test('a key that expires while it is remembered', async () => {
    const { tenantId } = await door.addTenant()
    const expiresAt = new Date(Date.now() + 60_000)
    const key = await addApiKey(door.sql, {
      tenantId,
      name: 'k',
      scopes: apiKeyScopes,
      expiresAt,
      key: null,
    })
    expect((await door.call('GET', '/v3/suppression/bounces', { key })).status).toBe(200)
    door.setNow(new Date(Date.now() + 61_000))
    const late = await door.call('GET', '/v3/suppression/bounces', { key })
    door.setNow(null)
    expect(late.status).toBe(401)
  })
})

describe('403', () => {
  test.each(calls)('$method $path with every scope but $scope', async ({ method, path, scope }) => {
    const { key } = await door.addTenant({ scopes: apiKeyScopes.filter((one) => one !== scope) })
    const reply = await door.call(method, path, {
      key,
      ...(method === 'POST' ? { body: 'no json' } : {}),
    })
    expect(reply.status).toBe(403)
    const detail = 'This credential does not have the scope that the call needs'
    expect(reply.json).toEqual({ detail, errors: [{ message: detail, field: null, help: null }] })
  })

  test('when the tenant is suspended', async () => {
    const { tenantId, key } = await door.addTenant()
    await door.sql`update tenant set suspended_at = now() where tenant_id = ${tenantId}`
    const reply = await door.call('GET', '/v3/suppression/bounces', { key })
    expect(reply.status).toBe(403)
    expect(reply.json).toMatchObject({ detail: 'This tenant is suspended' })
  })
})

describe('what is remembered of a credential', () => {
  afterEach(() => {
    vi.restoreAllMocks()
  })

  /** On the monotonic clock, as by waiting. */
  function passTime(ms: number): void {
    const now = performance.now.bind(performance)
    vi.spyOn(performance, 'now').mockImplementation(() => now() + ms)
  }

  test('a key that was used needs no database, unless it is too long ago', async () => {
    const { tenantId, key } = await door.addTenant()
    const field = `Bearer ${key}`
    expect(door.gate.remembered(field)).toBeNull()
    await door.call('GET', '/v3/suppression/bounces', { key })
    expect(door.gate.remembered(field)).toMatchObject({ tenantId, isTenantSuspended: false })
    expect(door.gate.remembered(`bearer  ${key}`)).not.toBeNull()
    expect(door.gate.remembered(`${field}x`)).toBeNull()
    expect(door.gate.remembered('')).toBeNull()
    passTime(30_000)
    expect(door.gate.remembered(field)).toBeNull()
  })

  test('a key that another process revoked opens nothing after 30 seconds', async () => {
    const { tenantId, key } = await door.addTenant()
    const status = async () => (await door.call('GET', '/v3/suppression/bounces', { key })).status
    expect(await status()).toBe(200)
    for (const { apiKeyId } of await listApiKeys(door.sql, tenantId)) {
      await revokeApiKey(door.sql, tenantId, apiKeyId)
    }
    passTime(30_000)
    expect(await status()).toBe(401)
    expect(door.gate.remembered(`Bearer ${key}`)).toBeNull()
  })

  test('a tenant that was suspended has 30 seconds left as well', async () => {
    const { tenantId, key } = await door.addTenant()
    const status = async () => (await door.call('GET', '/v3/suppression/bounces', { key })).status
    expect(await status()).toBe(200)
    await door.sql`update tenant set suspended_at = now() where tenant_id = ${tenantId}`
    passTime(30_000)
    expect(await status()).toBe(403)
  })
})

test('the scheme may be written in any case', async () => {
  const { key } = await door.addTenant()
  const headers = { authorization: `bEARER ${key}` }
  expect((await door.call('GET', '/v3/suppression/bounces', { headers })).status).toBe(200)
})

test('every 16 to 128 printable characters can be a key', async () => {
  const { tenantId } = await door.addTenant()
  for (const key of ['!"#$%&\'()*+,-./:', '~'.repeat(128)]) {
    await addApiKey(door.sql, {
      tenantId,
      name: 'given',
      scopes: apiKeyScopes,
      expiresAt: null,
      key,
    })
    expect((await door.call('GET', '/v3/suppression/bounces', { key })).status).toBe(200)
  }
})

test('whatever stands in the Authorization field, the answer is 401', async () => {
  const before = door.log().length
  const { key } = await door.addTenant()
  const byte = fc.integer({ min: 0x20, max: 0xff }).filter((code) => code !== 0x7f)
  const printable = fc.string({ unit: byte.map((code) => String.fromCharCode(code)) })
  const authorization = fc.oneof(
    printable,
    printable.map((text) => `Bearer ${text}`),
    fc
      .array(fc.base64String({ maxLength: 200 }), { maxLength: 5 })
      .map((parts) => `Bearer ${parts.join('.')}`),
    fc.mixedCase(fc.constant('bearer')).map((scheme) => `${scheme} ${key}x`),
    fc.nat({ max: 12_000 }).map((length) => `Bearer ${'a'.repeat(length)}`),
  )
  await fc.assert(
    fc.asyncProperty(authorization, async (text) => {
      const headers = { authorization: text }
      const reply = await door.call('GET', '/v3/suppression/bounces', { headers })
      expect([401, 429]).toContain(reply.status)
      if (reply.status === 401) expect(reply.json).toEqual(unauthorized)
    }),
    { numRuns: 100 },
  )
  expect(door.log().slice(before)).not.toContain('"level":50')
})

// Last: whoever has guessed waits, and all tests of this file come from one address.
describe('429 for an address that guesses keys', () => {
  const guess = () =>
    door.call('GET', '/v3/suppression/bounces', {
      key: `hb_live_${randomBytes(20).toString('hex')}`,
    })

  afterEach(() => {
    vi.restoreAllMocks()
  })

  test('after a hundred, with Retry-After; keys that are known go on working', async () => {
    const { key } = await door.addTenant()
    expect((await door.call('GET', '/v3/suppression/bounces', { key })).status).toBe(200)
    // The clock stands still, or a slow machine would make up for its guesses while it guesses;
    // and what the tests before have guessed is forgiven.
    const at = performance.now() + 10_000
    const clock = vi.spyOn(performance, 'now').mockReturnValue(at)
    const first = await Promise.all(Array.from({ length: 100 }, guess))
    expect(first.every(({ status }) => status === 401)).toBe(true)
    const refused = await guess()
    expect(refused.status).toBe(429)
    expect(refused.headers.get('retry-after')).toMatch(/^[1-9]$/)
    const detail = 'Rate limit exceeded'
    const errors = [{ message: detail, field: null, help: null }]
    expect(refused.json).toEqual({ detail, errors })
    expect((await door.call('GET', '/v3/suppression/bounces', { key })).status).toBe(200)
    const { key: newKey } = await door.addTenant()
    const tryNewKey = () => door.call('GET', '/v3/suppression/bounces', { key: newKey })
    expect((await tryNewKey()).status).toBe(429)
    clock.mockReturnValue(at + 1_000)
    expect((await tryNewKey()).status).toBe(200)
  })
})
