import { once } from 'node:events'
import { request as httpRequest, type RequestListener } from 'node:http'
import { connect } from 'node:net'
import { pino } from 'pino'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createCheckDoor } from '../../../src/http/check-door.ts'
import { createHttpServer } from '../../../src/http/server.ts'
import { createErasure } from '../../../src/suppression/erased.ts'
import { addApiKey } from '../../../src/tenant/api-key.ts'
import { lockWaiters } from '../../suppression/entries.ts'
import { useDoor } from '../door.ts'
import { exchange, message, type Reply } from './check-exchange.ts'

/*
 * Checks have a door of their own in front of Express. A question mark behind the path leads around
 * it: whatever is sent, both must answer the same.
 */

const hot = '/v3/suppression/check'
const throughExpress = `${hot}?`
const door = useDoor({ rates: { calls: 0, checks: 4 } })
const at = new Date('2026-05-01T10:00:00.250Z')

let tenantId: number
let groupId: number

async function newKey(scopes: Parameters<typeof addApiKey>[1]['scopes'] = ['suppressions.read']) {
  const expiresAt = null
  return addApiKey(door.sql, { tenantId, name: 'door', scopes, expiresAt, key: null })
}

/** So that the door knows the key. */
async function warm(key: string): Promise<void> {
  await door.call('GET', `${hot}/a@example.com`, { key })
}

/** The same to both doors, by keys of equal rights: their calls are counted apart. */
async function both(
  toBytes: (path: string, key: string) => Buffer,
  makeKey: () => Promise<string> = newKey,
): Promise<{ hot: Reply[]; express: Reply[] }> {
  const [one, other] = [await makeKey(), await makeKey()]
  await Promise.all([warm(one), warm(other)])
  return {
    hot: await exchange(door.port, toBytes(hot, one)),
    express: await exchange(door.port, toBytes(throughExpress, other)),
  }
}

beforeAll(async () => {
  const tenant = await door.addTenant()
  tenantId = tenant.tenantId
  const { key } = tenant
  await door.call('POST', '/v3/suppression/bounces', { key, json: { email: 'gone@example.com' } })
  const group = await door.call('POST', '/v3/asm/groups', { key, json: { name: 'news' } })
  groupId = (group.json as { id: number }).id
  door.setNow(at)
})
afterEach(() => door.setNow(at))

const one = '{"emails":["gone@example.com"]}'

describe('both doors answer the same, with the same fields', () => {
  const listed = (...emails: unknown[]) => JSON.stringify({ emails })
  const inGroup = (id: unknown) =>
    `{"emails":["a@example.com"],"asm":{"group_id":${JSON.stringify(id)}}}`
  const spellings = listed(' GONE@Example.com', 'j@bücher.example', 'x@y.example', 'x@y.example')
  const noUtf8 = Buffer.from(listed('j\xf6rg@example.com'), 'latin1')

  test.each([
    ['one address', 200, one],
    ['spellings', 200, spellings],
    [
      'everything bypassed',
      200,
      `${one.slice(0, -1)},"mail_settings":{"bypass_list_management":{"enable":true}}}`,
    ],
    ['a byte order mark', 200, `\uFEFF${one}`],
    ['spaces around', 200, ` \r\n\t${one}\n`],
    ['exactly 1 MiB', 200, one.padEnd(1_048_576)],
    ['bytes that are no UTF-8', 400, noUtf8],
    ['the same name twice', 200, `{"emails":["x"],${one.slice(1)}`],
    ['nothing', 400, ''],
    ['malformed JSON', 400, '{"emails":'],
    ['half a string', 400, '{"emails":["a'],
    ['a bare text', 400, '"a@example.com"'],
    ['a bare number', 400, '1'],
    ['null', 400, 'null'],
    ['a list', 400, '["a@example.com"]'],
    ['an empty object', 400, '{}'],
    ['a prototype', 400, `{"__proto__":${one}}`],
    ['no addresses', 400, listed()],
    ['1,001 addresses', 400, listed(...Array(1_001).fill('a@example.com'))],
    ['300 that are none', 400, listed(...Array(300).fill('a'))],
    ['some that are none', 400, listed('a@example.com', 'a', 7, null)],
    ['an unknown group', 400, inGroup(999)],
    ['a group that is none', 400, inGroup('x')],
    ['more than 1 MiB', 413, one.padEnd(1_048_577)],
  ])('%s: %i', async (_name, status, body) => {
    const { hot, express } = await both((path, key) => message(path, key, { body }))
    expect(hot).toEqual(express)
    expect(hot.map((reply) => reply.status)).toEqual([status])
  })

  test.each<[string, number, Record<string, string | null>]>([
    ['a charset', 200, { 'Content-Type': 'application/json; charset=UTF-8' }],
    ['no content type', 200, { 'Content-Type': null }],
    ['another JSON type', 200, { 'Content-Type': 'application/vnd.x+json' }],
    ['identity encoding', 200, { 'Content-Encoding': 'identity' }],
    ['a request id', 200, { 'X-Request-Id': 'order-4711' }],
    ['an evil request id', 200, { 'X-Request-Id': '<b>' }],
    ['an idempotency key', 200, { 'Idempotency-Key': 'k1' }],
    ['an origin', 200, { Origin: 'https://evil.example' }],
    ['a question whether to go on', 200, { Expect: '100-continue' }],
    ['no length', 400, { 'Content-Length': null }],
    ['another encoding', 415, { 'Content-Encoding': 'gzip' }],
    ['text', 415, { 'Content-Type': 'text/plain' }],
    ['another charset', 415, { 'Content-Type': 'application/json; charset=klingon' }],
    ['no credential', 401, { Authorization: null }],
    ['another scheme', 401, { Authorization: 'Basic YTpi' }],
    ['an unknown key', 401, { Authorization: 'Bearer hb_live_nobody_has_it' }],
    ['what is no key', 401, { Authorization: 'Bearer short' }],
  ])('%s: %i', async (_name, status, headers) => {
    const { hot, express } = await both((path, key) => message(path, key, { body: one, headers }))
    expect(hot).toEqual(express)
    expect(hot.at(-1)?.status).toBe(status)
  })

  test.each([
    ['one address', 200, `1f\r\n${one}\r\n0\r\n\r\n`],
    ['nonsense', 400, '2\r\n{]\r\n0\r\n\r\n'],
  ])('in chunks, %s: %i', async (_name, status, body) => {
    const headers = { 'Transfer-Encoding': 'chunked', 'Content-Length': null }
    const { hot, express } = await both((path, key) => message(path, key, { body, headers }))
    expect(hot).toEqual(express)
    expect(hot).toMatchObject([{ status }])
  })

  test.each([
    [200, { version: '1.0' }],
    [404, { method: 'PUT' }],
    [400, { method: 'post' }],
  ])('%i for %o', async (status, line) => {
    const { hot, express } = await both((path, key) => message(path, key, { body: one, ...line }))
    expect(hot).toEqual(express)
    expect(hot).toMatchObject([{ status }])
  })

  test('a group of the tenant', async () => {
    const { hot, express } = await both((path, key) =>
      message(path, key, { body: inGroup(groupId) }),
    )
    expect(hot).toEqual(express)
    expect(hot).toMatchObject([{ status: 200 }])
  })

  test('a key without the scope: 403', async () => {
    const { hot, express } = await both(
      (path, key) => message(path, key, { body: one }),
      () => newKey(['suppressions.write']),
    )
    expect(hot).toEqual(express)
    expect(hot).toMatchObject([{ status: 403 }])
  })

  test('a key that has ended since it was first used: 401', async () => {
    const expiresAt = new Date(at.getTime() + 1_000)
    const scopes = ['suppressions.read'] as const
    const { hot, express } = await both(
      (path, key) => {
        door.setNow(expiresAt)
        return message(path, key, { body: one })
      },
      async () => {
        door.setNow(at)
        return addApiKey(door.sql, { tenantId, name: 'ends', scopes, expiresAt, key: null })
      },
    )
    expect(hot).toEqual(express)
    expect(hot).toMatchObject([{ status: 401 }])
  })

  test('a tenant that is suspended: 403', async () => {
    const suspended = await door.addTenant()
    await door.sql`update tenant set suspended_at = now() where tenant_id = ${suspended.tenantId}`
    const { hot, express } = await both(
      (path, key) => message(path, key, { body: one }),
      async () => suspended.key,
    )
    expect(hot[0]).toMatchObject({ status: 403 })
    expect([hot[0]?.body, hot[0]?.status]).toEqual([express[0]?.body, express[0]?.status])
  })

  test('more checks than the limit allows: 429, and the last allowed one says 0', async () => {
    const { hot, express } = await both((path, key) =>
      Buffer.concat([0, 1, 2, 3, 4].map((index) => message(path, key, { body: one }, index === 4))),
    )
    expect(hot).toEqual(express)
    expect(hot.map(({ status }) => status)).toEqual([200, 200, 200, 429, 429])
    expect(new Map(hot[3]?.headers).get('retry-after')).toBe('1')
  })

  test('several sent ahead are answered one after the other, good and bad', async () => {
    const { hot, express } = await both((path, key) =>
      Buffer.concat([
        message(path, key, { body: one }, false),
        message(path, key, { body: '{' }, false),
        message(path, key, { body: one }),
      ]),
    )
    expect(hot).toEqual(express)
    expect(hot.map(({ status }) => status)).toEqual([200, 400, 200])
  })
})

test('who leaves before the end of the body is not missed', async () => {
  const key = await newKey()
  await warm(key)
  const half = message(hot, key, { body: one }).subarray(0, -5)
  const socket = connect(door.port, '127.0.0.1')
  socket.write(half)
  await new Promise((resolve) => setTimeout(resolve, 50))
  socket.resetAndDestroy()
  const reply = await door.call('POST', hot, { key, json: { emails: ['gone@example.com'] } })
  expect(reply.status).toBe(200)
  expect(door.log()).not.toContain('request failed')
})

test('nor who leaves while PostgreSQL works', async () => {
  const key = await newKey()
  await warm(key)
  const socket = connect(door.port, '127.0.0.1')
  await door.sql.begin(async (sql) => {
    await sql`lock table suppression in access exclusive mode`
    socket.write(message(hot, key, { body: one }))
    await lockWaiters(door.sql, 1)
    socket.resetAndDestroy()
  })
  const reply = await door.call('POST', hot, { key, json: { emails: ['gone@example.com'] } })
  expect(reply.status).toBe(200)
  expect(door.log()).not.toContain('request failed')
})

describe('what goes on to Express', () => {
  const answered: RequestListener = (_request, response) => response.end('passed on')

  async function passedOn(options: {
    method?: string
    path?: string
    headers?: Record<string, string>
    body?: string | null
  }): Promise<boolean> {
    const key = await newKey()
    await warm(key)
    const checker = { check: async () => [{ reason: null, hits: [] }] }
    const log = pino({ level: 'silent' })
    const erasure = createErasure(door.db, door.secret)
    const front = createCheckDoor({ gate: door.gate, checker, erasure, log }, answered)
    const server = createHttpServer({ host: '127.0.0.1', port: 0, maxConnections: 10 }, front)
    const { port } = await server.listen()
    const { method = 'POST', path = hot, headers = {}, body = one } = options
    const request = httpRequest({
      port,
      method,
      path,
      headers: {
        authorization: `Bearer ${key}`,
        'content-type': 'application/json',
        ...(body === null ? {} : { 'content-length': Buffer.byteLength(body) }),
        ...headers,
      },
    })
    request.end(body ?? undefined)
    const [response] = await once(request, 'response')
    let text = ''
    for await (const chunk of response) text += chunk
    await server.close()
    return text === 'passed on'
  }

  test.each([
    ['a plain check', {}, false],
    [
      'one with a charset',
      { headers: { 'content-type': 'application/json;charset=utf-8' } },
      false,
    ],
    ['a malformed one', { body: '{' }, false],
    ['another method', { method: 'PUT' }, true],
    ['another path', { path: '/v3/suppression/Check' }, true],
    ['a query', { path: `${hot}?x=1` }, true],
    ['another content type', { headers: { 'content-type': 'text/plain' } }, true],
    ['another charset', { headers: { 'content-type': 'application/json; charset=utf-16' } }, true],
    ['an encoding', { headers: { 'content-encoding': 'gzip' } }, true],
    [
      'a length that is not told',
      { body: null, headers: { 'transfer-encoding': 'chunked' } },
      true,
    ],
    ['nothing', { body: '' }, true],
    ['too much', { body: one.padEnd(1_048_577) }, true],
    ['an unknown key', { headers: { authorization: 'Bearer hb_live_nobody_has_it' } }, true],
    ['no key', { headers: { authorization: '' } }, true],
  ])('%s', async (_name, options, expected) => {
    expect(await passedOn(options)).toBe(expected)
  })
})
