import { describe, expect, test } from 'vitest'
import { apiKeyScopes } from '../../../src/tenant/api-key.ts'
import { useDoor } from '../door.ts'

const door = useDoor()
const keys = '/v3/api_keys'
const bounces = '/v3/suppression/bounces'
const scopes = [...apiKeyScopes]

type Made = { api_key_id: string; api_key: string; prefix: string }

async function make(key: string, json: object): Promise<Made> {
  const reply = await door.call('POST', keys, { key, json })
  expect(reply.status).toBe(201)
  return reply.json as Made
}

describe('POST /v3/api_keys', () => {
  test('201 with a key that works and is shown only now', async () => {
    const { tenantId, key } = await door.addTenant({ scopes })
    const json = { name: ' newsletter ', scopes: ['suppressions.read'] }
    const reply = await door.call('POST', keys, { key, json })
    expect(reply.status).toBe(201)
    expect(reply.json).toEqual({
      api_key_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      name: 'newsletter',
      prefix: expect.stringMatching(/^hb_live_[0-9a-f]{4}$/),
      scopes: ['suppressions.read'],
      created_at: expect.stringMatching(/^\d{4}-.*Z$/),
      expires_at: null,
      revoked_at: null,
      api_key: expect.stringMatching(/^hb_live_[0-9a-f]{40}$/),
    })
    const { api_key: made } = reply.json as Made
    expect((await door.call('GET', bounces, { key: made })).status).toBe(200)
    expect((await door.call('POST', bounces, { key: made, json: {} })).status).toBe(403)
    expect((await door.call('GET', keys, { key })).text).not.toContain(made)
    const stored = await door.sql`select to_jsonb(k)::text as row from api_key as k`
    expect(JSON.stringify(stored)).not.toContain(made)
    const audited = await door.sql`
      select actor_kind, actor_name, detail from audit_entry where tenant_id = ${tenantId}`
    expect(audited).toMatchObject([
      { actorKind: 'api-key', actorName: 'test', detail: { name: 'newsletter' } },
    ])
    expect(JSON.stringify(audited)).not.toContain(made)
  })

  test('with an end, in any time zone', async () => {
    const { key } = await door.addTenant({ scopes })
    const json = { name: 'k', scopes, expires_at: '2100-01-01T01:00:00+01:00' }
    expect(await make(key, json)).toMatchObject({ expires_at: '2100-01-01T00:00:00.000Z' })
  })

  test('a key that was made ends when it said', async () => {
    const { key } = await door.addTenant({ scopes })
    const expires_at = new Date(Date.now() + 60_000).toISOString()
    const { api_key: made } = await make(key, { name: 'k', scopes, expires_at })
    expect((await door.call('GET', bounces, { key: made })).status).toBe(200)
    door.setNow(new Date(Date.now() + 61_000))
    const late = await door.call('GET', bounces, { key: made })
    door.setNow(null)
    expect(late.status).toBe(401)
  })

  test('403 for a scope that the maker does not have, and no key is made', async () => {
    const { tenantId, key } = await door.addTenant({ scopes: ['admin.api_keys'] })
    const json = { name: 'k', scopes: ['admin.api_keys', 'suppressions.read'] }
    const reply = await door.call('POST', keys, { key, json })
    expect(reply.status).toBe(403)
    expect(reply.json).toMatchObject({ errors: [{ field: 'scopes' }] })
    expect(await door.sql`select 1 from api_key where tenant_id = ${tenantId}`).toHaveLength(1)
    await make(key, { name: 'k', scopes: ['admin.api_keys'] })
  })

  test.each([
    ['no name', { scopes }, 'name'],
    ['an empty name', { name: ' ', scopes }, 'name'],
    ['a name of 101 characters', { name: 'x'.repeat(101), scopes }, 'name'],
    ['a name with a NUL', { name: 'a\0b', scopes }, 'name'],
    ['no scopes', { name: 'k' }, 'scopes'],
    ['an empty list', { name: 'k', scopes: [] }, 'scopes'],
    ['an unknown scope', { name: 'k', scopes: ['root'] }, 'scopes.0'],
    [
      'a time that is over',
      { name: 'k', scopes, expires_at: '2020-01-01T00:00:00Z' },
      'expires_at',
    ],
    ['a day', { name: 'k', scopes, expires_at: '2100-01-01' }, 'expires_at'],
  ])('400 for %s', async (_name, json, field) => {
    const { key } = await door.addTenant({ scopes })
    const reply = await door.call('POST', keys, { key, json })
    expect(reply.status).toBe(400)
    expect(reply.json).toMatchObject({ errors: [{ field }] })
  })

  test('429 for the eleventh in a minute of one tenant, whichever key asks', async () => {
    const { key } = await door.addTenant({ scopes })
    const { api_key: other } = await make(key, { name: 'k', scopes })
    const json = { name: 'k', scopes }
    const post = (asks: string) => door.call('POST', keys, { key: asks, json })
    const replies = await Promise.all(
      Array.from({ length: 9 }, (_, i) => post(i % 2 ? key : other)),
    )
    expect(replies.map(({ status }) => status)).toEqual(Array(9).fill(201))
    const refused = await post(key)
    expect(refused.status).toBe(429)
    expect(refused.json).toMatchObject({ detail: 'Rate limit exceeded' })
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(50)
    expect(refused.headers.get('x-ratelimit-limit')).toBe('10')
    expect(refused.headers.get('x-ratelimit-remaining')).toBe('0')
    const reset = Number(refused.headers.get('x-ratelimit-reset')) - Date.now() / 1_000
    expect(reset).toBeGreaterThan(50)
    expect(reset).toBeLessThan(62)
    expect((await door.call('GET', keys, { key })).status).toBe(200)
    const another = await door.addTenant({ scopes })
    expect((await post(another.key)).status).toBe(201)
  })
})

describe('GET /v3/api_keys', () => {
  test('all keys of the tenant, oldest first; one by its id', async () => {
    const { key } = await door.addTenant({ scopes })
    const { api_key, ...made } = await make(key, { name: 'second', scopes: ['webhooks.read'] })
    const reply = await door.call('GET', keys, { key })
    expect(reply.status).toBe(200)
    expect(reply.json).toEqual({
      api_keys: [expect.objectContaining({ name: 'test', prefix: key.slice(0, 12) }), made],
    })
    expect(api_key.startsWith(made.prefix)).toBe(true)
    const one = await door.call('GET', `${keys}/${made.api_key_id.toUpperCase()}`, { key })
    expect([one.status, one.json]).toEqual([200, made])
  })

  test.each(['00000000-0000-7000-8000-000000000000', '1', 'x', '%00'])('404 for %s', async (id) => {
    const { key } = await door.addTenant({ scopes })
    for (const method of ['GET', 'DELETE']) {
      const reply = await door.call(method, `${keys}/${id}`, { key })
      expect([reply.status, reply.json]).toMatchObject([404, { detail: 'Not found' }])
    }
  })
})

describe('DELETE /v3/api_keys/{id}', () => {
  test('204: the key, used a moment ago, opens nothing more', async () => {
    const { tenantId, key } = await door.addTenant({ scopes })
    const made = await make(key, { name: 'leaked', scopes })
    expect((await door.call('GET', bounces, { key: made.api_key })).status).toBe(200)
    const path = `${keys}/${made.api_key_id}`
    const headers = { 'x-audit-reason': 'found in a public repository' }
    expect((await door.call('DELETE', path, { key, headers })).status).toBe(204)
    expect((await door.call('GET', bounces, { key: made.api_key })).status).toBe(401)
    expect((await door.call('GET', bounces, { key })).status).toBe(200)
    const kept = await door.call('GET', path, { key })
    expect(kept.json).toMatchObject({ revoked_at: expect.stringMatching(/^\d{4}-/) })
    expect((await door.call('DELETE', path, { key })).status).toBe(204)
    expect((await door.call('GET', path, { key })).json).toEqual(kept.json)
    const audited = await door.sql`
      select reason, detail from audit_entry
      where tenant_id = ${tenantId} and action = 'api-key.revoke'`
    expect(audited).toEqual([
      {
        reason: 'found in a public repository',
        detail: { apiKeyId: made.api_key_id, name: 'leaked' },
      },
    ])
  })

  test('a key can revoke itself', async () => {
    const { key } = await door.addTenant({ scopes })
    const made = await make(key, { name: 'k', scopes })
    const revoked = await door.call('DELETE', `${keys}/${made.api_key_id}`, { key: made.api_key })
    expect(revoked.status).toBe(204)
    expect((await door.call('GET', keys, { key: made.api_key })).status).toBe(401)
  })
})
