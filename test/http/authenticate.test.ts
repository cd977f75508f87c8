import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { routes } from '../../src/http/v3/routes.ts'
import {
  addApiKey,
  apiKeyHash,
  apiKeyScopes,
  listApiKeys,
  revokeApiKey,
} from '../../src/tenant/api-key.ts'
import { useDoor } from './door.ts'

const door = useDoor()

const calls = routes.map(({ method, path, scope }) => ({
  method: method.toUpperCase(),
  path: `/v3${path.replace(':email', 'listed@example.com')}`,
  scope,
}))

const unauthorized = {
  detail: 'A valid API key is required',
  errors: [{ message: 'A valid API key is required', field: null, help: null }],
}

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
    const detail = 'This API key does not have the scope that the call needs'
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

describe('429 for an address that guesses keys', () => {
  const guess = () =>
    door.call('GET', '/v3/suppression/bounces', {
      key: `hb_live_${randomBytes(20).toString('hex')}`,
    })

  test('after a hundred, with Retry-After; keys that are known go on working', async () => {
    const { key } = await door.addTenant()
    expect((await door.call('GET', '/v3/suppression/bounces', { key })).status).toBe(200)
    const first = await Promise.all(Array.from({ length: 100 }, guess))
    expect(first.every(({ status }) => status === 401)).toBe(true)
    let refused = await guess()
    while (refused.status === 401) refused = await guess()
    expect(refused.status).toBe(429)
    expect(refused.headers.get('retry-after')).toBe('1')
    const detail = 'Rate limit exceeded'
    const errors = [{ message: detail, field: null, help: null }]
    expect(refused.json).toEqual({ detail, errors })
    expect((await door.call('GET', '/v3/suppression/bounces', { key })).status).toBe(200)
    const { key: newKey } = await door.addTenant()
    const tryNewKey = () => door.call('GET', '/v3/suppression/bounces', { key: newKey })
    await expect.poll(async () => (await tryNewKey()).status, { timeout: 10_000 }).toBe(200)
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

test('one tenant never sees or touches what belongs to another, whatever the call', async () => {
  const mine = await door.addTenant()
  const other = await door.addTenant()
  const email = 'listed@example.com'
  const add = async (key: string) => {
    await door.call('POST', '/v3/suppression/bounces', { key, json: { email } })
    await door.call('POST', '/v3/suppression/spam_reports', { key, json: { email } })
    const json = { recipient_emails: [email] }
    await door.call('POST', '/v3/asm/suppressions/global', { key, json })
  }
  const rows = () =>
    door.sql`
      select address, list, created_at, status, reason, source
      from suppression where tenant_id = ${mine.tenantId} order by list`
  await add(mine.key)
  const before = await rows()
  expect(before).toHaveLength(3)
  for (const { method, path } of calls) {
    const query = method === 'DELETE' && !path.includes('@') ? '?delete_all=true' : ''
    const json = { email, recipient_emails: [email], reason: 'theirs', source: 'theirs' }
    const options = method === 'POST' ? { key: other.key, json } : { key: other.key }
    if (method !== 'POST') {
      const reply = await door.call(method, path + query, options)
      expect(reply.status).toBe(method === 'DELETE' ? 204 : path.includes('@') ? 404 : 200)
      if (reply.status === 200) expect(reply.json).toMatchObject({ total: 0 })
    } else expect((await door.call(method, path, options)).status).toBe(201)
    await door.sql`delete from suppression where tenant_id = ${other.tenantId}`
    await door.sql`delete from suppression_count where tenant_id = ${other.tenantId}`
  }
  expect(await rows()).toEqual(before)
  const counts = await door.sql`
    select list, sum(entries)::int as entries
    from suppression_count where tenant_id = ${mine.tenantId} group by list order by list`
  expect(counts.map(({ entries }) => entries)).toEqual([1, 1, 1])
})
