import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DeadlineError } from '../../src/db/sql.ts'
import { createAnswerOnce } from '../../src/http/idempotency.ts'
import { purgeIdempotencyKeys } from '../../src/http/idempotency-keys.ts'
import type { Answer } from '../../src/http/v3/route.ts'
import { apiKeyScopes } from '../../src/tenant/api-key.ts'
import { useDoor } from './door.ts'

const door = useDoor()
const groups = '/v3/asm/groups'
const keys = '/v3/api_keys'
const scopes = [...apiKeyScopes]
const dayMs = 86_400_000

function post(key: string, idempotencyKey: string, json: unknown, path = groups) {
  return door.call('POST', path, { key, json, headers: { 'idempotency-key': idempotencyKey } })
}

describe('POST with an Idempotency-Key', () => {
  test('the same request is done once and answered alike', async () => {
    const { tenantId, key } = await door.addTenant()
    const first = await post(key, 'order-4711', { name: 'News' })
    expect(first.status).toBe(201)
    expect(first.headers.get('idempotent-replayed')).toBeNull()
    const second = await post(key, 'order-4711', { name: 'News' })
    expect([second.status, second.text]).toEqual([201, first.text])
    expect(second.headers.get('idempotent-replayed')).toBe('true')
    expect(second.headers.get('content-type')).toBe(first.headers.get('content-type'))
    const found = await door.sql`select 1 from suppression_group where tenant_id = ${tenantId}`
    expect(found).toHaveLength(1)
  })

  test('a new API key is shown again, and is nowhere in the database', async () => {
    const { key } = await door.addTenant({ scopes })
    const json = { name: 'k', scopes: ['suppressions.read'] }
    const first = await post(key, 'k1', json, keys)
    const second = await post(key, 'k1', json, keys)
    expect(second.json).toEqual(first.json)
    const { api_key } = first.json as { api_key: string }
    const rows = await door.sql`select encrypted_answer from idempotency_key`
    for (const { encryptedAnswer } of rows) {
      expect((encryptedAnswer as Buffer).toString('latin1')).not.toContain(api_key)
    }
  })

  test('a body nested hundreds of thousands deep is compared like any other', async () => {
    const { key } = await door.addTenant()
    const headers = { 'idempotency-key': 'k', 'content-type': 'application/json' }
    const send = (body: string) => door.call('POST', groups, { key, headers, body })
    const nested = `${'['.repeat(200_000)}${']'.repeat(200_000)}`
    expect((await send(`{"name":"News","more":${nested}}`)).status).toBe(201)
    const again = await send(`{"name":"News","more":${nested}}`)
    expect([again.status, again.headers.get('idempotent-replayed')]).toEqual([201, 'true'])
    expect((await send(`{"name":"News","more":[${nested}]}`)).status).toBe(400)
    expect((await send(nested)).status).toBe(400)
  })

  test('400 for the same key with another body or path', async () => {
    const { key } = await door.addTenant({ scopes })
    await post(key, 'k', { name: 'News' })
    for (const [json, path] of [
      [{ name: 'Offers' }, groups],
      [{ name: 'News' }, `${groups}?x=1`],
      [{ name: 'News', scopes }, keys],
    ] as const) {
      const reply = await post(key, 'k', json, path)
      expect(reply.status).toBe(400)
      expect(reply.json).toMatchObject({
        detail: 'This Idempotency-Key was used for another request',
      })
    }
  })

  test('each credential has keys of its own', async () => {
    const one = await door.addTenant({ scopes })
    const two = await door.addTenant({ scopes })
    const made = await post(one.key, 'make', { name: 'k', scopes }, keys)
    const { api_key: sibling } = made.json as { api_key: string }
    expect((await post(one.key, 'k', { name: 'News' })).status).toBe(201)
    expect((await post(two.key, 'k', { name: 'Offers' })).status).toBe(201)
    expect((await post(sibling, 'k', { name: 'Offers' })).status).toBe(201)
  })

  test('a request that failed may be sent again with its key, mended or not', async () => {
    const { key } = await door.addTenant()
    expect((await post(key, 'k', { name: '' })).status).toBe(400)
    expect((await post(key, 'k', { name: '' })).status).toBe(400)
    expect((await post(key, 'k', { name: 'News' })).status).toBe(201)
  })

  test('of many at once one is done; the others wait or hear what it heard', async () => {
    const { tenantId, key } = await door.addTenant()
    const replies = await Promise.all(
      Array.from({ length: 20 }, () => post(key, 'k', { name: 'News' })),
    )
    for (const { status, headers } of replies) {
      expect([201, 409]).toContain(status)
      if (status === 409) expect(headers.get('retry-after')).toBe('1')
    }
    const done = replies.filter(
      ({ status, headers }) => status === 201 && !headers.has('idempotent-replayed'),
    )
    expect(done).toHaveLength(1)
    const found = await door.sql`select 1 from suppression_group where tenant_id = ${tenantId}`
    expect(found).toHaveLength(1)
  })

  test('400 for a key that is none', async () => {
    const { key } = await door.addTenant()
    for (const wrong of ['', 'x'.repeat(256), 'Schlüssel', 'a\tb']) {
      const reply = await post(key, wrong, { name: 'News' })
      expect(reply.status).toBe(400)
      expect(reply.json).toMatchObject({ detail: expect.stringContaining('255 printable') })
    }
    expect((await post(key, '!~'.padEnd(255, ' x'), { name: 'News' })).status).toBe(201)
  })

  test('after a 503 it is taken for a minute, then done again', async () => {
    const { key } = await door.addTenant({ scopes })
    const json = { name: 'k', scopes: ['suppressions.read'] }
    const lost = await door.sql.begin(async (sql) => {
      await sql`lock table audit_entry in access exclusive mode`
      return post(key, 'k', json, keys)
    })
    expect(lost.status).toBe(503)
    const soon = await post(key, 'k', json, keys)
    expect([soon.status, soon.headers.get('retry-after')]).toEqual([409, '1'])
    door.setNow(new Date(Date.now() + 61_000))
    const later = await post(key, 'k', json, keys)
    door.setNow(null)
    expect(later.status).toBe(201)
  })

  test('calls that change nothing ignore it', async () => {
    const { key } = await door.addTenant()
    const headers = { 'idempotency-key': 'k'.repeat(300) }
    expect((await door.call('GET', groups, { key, headers })).status).toBe(200)
    const path = '/v3/suppression/bounces/a@example.com'
    expect((await door.call('DELETE', path, { key, headers })).status).toBe(204)
  })

  test('after 24 hours the key is forgotten', async () => {
    const { key } = await door.addTenant()
    await post(key, 'k', { name: 'News' })
    door.setNow(new Date(Date.now() + dayMs))
    const late = await post(key, 'k', { name: 'Offers' })
    door.setNow(null)
    expect(late.status).toBe(201)
  })

  test('the sweeper deletes the keys that nobody may use any more', async () => {
    const { key } = await door.addTenant()
    await post(key, randomUUID(), { name: 'News' })
    expect(await purgeIdempotencyKeys(door.sql, new Date(), 5_000)).toBe(0)
    const tomorrow = new Date(Date.now() + 2 * dayMs)
    expect(await purgeIdempotencyKeys(door.sql, tomorrow, 1)).toBe(1)
    await purgeIdempotencyKeys(door.sql, tomorrow, 5_000)
    expect(await door.sql`select 1 from idempotency_key`).toHaveLength(0)
  })
})

describe('work that does not come to an end', () => {
  const credential = { tenantId: 1, countedAs: '1:somebody' }
  const created: Answer = { status: 201, body: { id: 1 }, headers: { 'X-Own': 'kept' } }
  const answerOnce = (now: () => Date = () => new Date()) =>
    createAnswerOnce({ db: door.db, secret: door.secret, log: door.logger, now })

  function request(key: string) {
    return { credential, key, method: 'post', path: '/v3/x', body: Buffer.from('{"a":1}') }
  }

  test('headers of the answer are repeated, an answer without a body too', async () => {
    const once = answerOnce()
    await once(request('headers'), async () => created)
    const repeated = await once(request('headers'), () => Promise.reject(new Error('done twice')))
    expect(repeated).toEqual({
      ...created,
      headers: { 'X-Own': 'kept', 'Idempotent-Replayed': 'true' },
    })
    await once(request('empty'), async () => ({ status: 204 }))
    const empty = await once(request('empty'), () => Promise.reject(new Error('done twice')))
    expect(empty).toEqual({ status: 204, headers: { 'Idempotent-Replayed': 'true' } })
  })

  test('a failure of ours frees the key', async () => {
    const once = answerOnce()
    const failed = once(request('defect'), () => Promise.reject(new Error('a defect')))
    await expect(failed).rejects.toThrow('a defect')
    expect(await once(request('defect'), async () => created)).toBe(created)
  })

  test.each([
    ['PostgreSQL has not answered', new DeadlineError('nothing for 5 s')],
    [
      'the connection was cut',
      Object.assign(new Error('write CONNECTION_CLOSED'), { code: 'CONNECTION_CLOSED' }),
    ],
  ])('%s: it may be done, and is not done again within a minute', async (name, outage) => {
    const once = answerOnce()
    await expect(once(request(name), () => Promise.reject(outage))).rejects.toBe(outage)
    const again = once(request(name), async () => created)
    await expect(again).rejects.toMatchObject({ statusCode: 409 })
    const later = answerOnce(() => new Date(Date.now() + 61_000))
    expect(await later(request(name), async () => created)).toBe(created)
  })

  test('a process that died over it holds the key for a minute', async () => {
    const begun = Date.now()
    void answerOnce()(request('died'), () => new Promise(() => undefined))
    await expect
      .poll(() => door.sql`select 1 from idempotency_key where encrypted_answer is null`)
      .toHaveLength(1)
    const soon = answerOnce(() => new Date(begun + 59_000))
    await expect(soon(request('died'), async () => created)).rejects.toMatchObject({
      statusCode: 409,
    })
    const later = answerOnce(() => new Date(begun + 61_000))
    expect(await later(request('died'), async () => created)).toBe(created)
  })

  test('who comes back after his key has lapsed does not touch the answer of another', async () => {
    let finish: (answer: Answer) => void = () => undefined
    const slow = answerOnce()(
      request('slow'),
      () =>
        new Promise((resolve) => {
          finish = resolve
        }),
    )
    await expect
      .poll(() => door.sql`select 1 from idempotency_key where encrypted_answer is null`)
      .toHaveLength(1)
    const later = answerOnce(() => new Date(Date.now() + 61_000))
    await later(request('slow'), async () => created)
    finish({ status: 200, body: {} })
    await slow
    expect(await later(request('slow'), () => Promise.reject(new Error('done twice')))).toEqual({
      ...created,
      headers: { 'X-Own': 'kept', 'Idempotent-Replayed': 'true' },
    })
  })

  test('an answer that cannot be stored is given all the same', async () => {
    const once = answerOnce()
    const answer = await once(request('table'), async () => {
      await door.sql`alter table idempotency_key rename to elsewhere`
      return created
    })
    await door.sql`alter table elsewhere rename to idempotency_key`
    expect(answer).toBe(created)
    expect(door.log()).toContain('Idempotency-Key was not stored')
  })
})

test('whatever stands in the field, the answer is 201, 400 or 409', async () => {
  const { key } = await door.addTenant()
  const byte = fc.integer({ min: 0x20, max: 0xff }).filter((code) => code !== 0x7f)
  const text = fc.string({ unit: byte.map((code) => String.fromCharCode(code)), maxLength: 300 })
  let groupsMade = 0
  await fc.assert(
    fc.asyncProperty(text, async (idempotencyKey) => {
      groupsMade++
      const reply = await post(key, idempotencyKey, { name: `group ${groupsMade}` })
      expect([201, 400, 409]).toContain(reply.status)
    }),
    { numRuns: 100 },
  )
})
