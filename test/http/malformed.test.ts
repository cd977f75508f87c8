import { connect } from 'node:net'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { useDoor } from './door.ts'

const door = useDoor()
const bounces = '/v3/suppression/bounces'

describe('addresses in the path', () => {
  const plus = 'jane+news@example.com'
  test.each([
    ['as it is', plus, plus],
    ['percent-encoded', 'jane%2Bnews%40example.com', plus],
    ['in mixed case', 'Jane+News@EXAMPLE.com', plus],
    ['with a slash', 'a%2Fb@example.com', 'a/b@example.com'],
    ['with an internationalised domain', 'jane@b%C3%BCcher.example', 'jane@xn--bcher-kva.example'],
    ['with an internationalised local part', 'j%C3%B6rg@example.com', 'jörg@example.com'],
    ['in decomposed form', 'jo%CC%88rg@example.com', 'jörg@example.com'],
    ['in needless quotes', '%22jane%22@example.com', 'jane@example.com'],
    ['with a percent sign', '100%25@example.com', '100%@example.com'],
  ])('%s', async (_name, spelling, address) => {
    const { key } = await door.addTenant()
    await door.call('POST', bounces, { key, json: { email: address } })
    const found = await door.call('GET', `${bounces}/${spelling}`, { key })
    expect(found.json).toMatchObject([{ email: address }])
    expect((await door.call('DELETE', `${bounces}/${spelling}`, { key })).status).toBe(204)
    expect((await door.call('GET', bounces, { key })).json).toMatchObject({ total: 0 })
  })

  test.each([
    'nobody',
    'a%00@example.com',
    'a@',
    '%20',
    'a@b@',
    'a%zz@example.com',
    '%ff@example.com',
  ])('400 for %s', async (spelling) => {
    const { key } = await door.addTenant()
    for (const method of ['GET', 'DELETE'])
      expect((await door.call(method, `${bounces}/${spelling}`, { key })).status).toBe(400)
  })
})

describe('bodies', () => {
  test.each([
    ['malformed JSON', '{"email":', 'application/json', 400, 'Malformed body'],
    ['a bare value', '"a@example.com"', 'application/json', 400, 'Malformed body'],
    ['a form', 'email=a@example.com', 'application/x-www-form-urlencoded', 415, 'Content-Type'],
    ['text', '{"email":"a@example.com"}', 'text/plain', 415, 'Content-Type'],
    ['an unknown charset', '{}', 'application/json; charset=klingon', 415, 'Unsupported'],
    [
      'more than 1 MiB',
      `{"email":"${'x'.repeat(1_100_000)}"}`,
      'application/json',
      413,
      'too large',
    ],
  ])('%s', async (_name, body, contentType, status, words) => {
    const { key } = await door.addTenant()
    const headers = { 'content-type': contentType }
    const reply = await door.call('POST', bounces, { key, headers, body })
    expect(reply.status).toBe(status)
    const { detail, errors } = reply.json as { detail: string; errors: unknown[] }
    expect(detail).toContain(words)
    expect(errors).toEqual([{ message: detail, field: null, help: null }])
  })

  test('a compressed one is refused', async () => {
    const { key } = await door.addTenant()
    const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' }
    const reply = await door.call('POST', bounces, { key, headers, body: '{}' })
    expect(reply.status).toBe(415)
  })

  test('one that is broken off is no failure of ours', async () => {
    const { key } = await door.addTenant()
    const socket = connect(door.port, '127.0.0.1').on('error', () => undefined)
    const head = `POST ${bounces} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\n`
    socket.write(`${head}Content-Length: 100\r\n\r\n{"email":`)
    await new Promise((resolve) => setTimeout(resolve, 200))
    socket.resetAndDestroy()
    expect((await door.call('GET', bounces, { key })).status).toBe(200)
    expect(door.log()).not.toContain('request failed')
  })

  test('none at all is a validation error', async () => {
    const { key } = await door.addTenant()
    const reply = await door.call('POST', bounces, { key })
    expect(reply.status).toBe(400)
    expect(reply.json).toMatchObject({ detail: [{ loc: ['body', 'email'] }] })
  })

  test('keys that nobody asked for change nothing', async () => {
    const { key } = await door.addTenant()
    const body =
      '{"email":"a@example.com","__proto__":{"status":"5.0.0"},"tenant_id":1,"status":"5.0.0"}'
    const headers = { 'content-type': 'application/json' }
    const reply = await door.call('POST', bounces, { key, headers, body })
    expect(reply.json).toMatchObject({ email: 'a@example.com', status: null })
  })
})

describe('every response', () => {
  test('carries an X-Request-Id: ours, or the one of the request', async () => {
    const own = await door.call('GET', '/nowhere')
    expect(own.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
    const given = await door.call('GET', bounces, { headers: { 'x-request-id': 'order-4711' } })
    expect(given.headers.get('x-request-id')).toBe('order-4711')
    const evil = await door.call('GET', bounces, { headers: { 'x-request-id': '<script>' } })
    expect(evil.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
  })

  test('says nothing of what made it and is kept nowhere', async () => {
    const { headers } = await door.call('GET', bounces)
    expect(headers.get('x-powered-by')).toBeNull()
    expect(headers.get('etag')).toBeNull()
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
  })

  test('404 in the same shape for what does not exist', async () => {
    const { key } = await door.addTenant()
    for (const [method, path] of [
      ['GET', '/'],
      ['GET', '/v3'],
      ['GET', '/v3/suppression/blocks'],
      ['PUT', bounces],
      ['POST', `${bounces}/a@example.com`],
      ['GET', '/v3/../../etc/passwd'],
      ['GET', '/u/'],
    ] as const) {
      const reply = await door.call(method, path, { key })
      expect([path, reply.status]).toEqual([path, 404])
      expect(reply.json).toMatchObject({ detail: 'Not found', errors: [{ field: null }] })
    }
  })
})

test('no malformed request of 200 gets a 5xx or a word of our inside', async () => {
  const { key } = await door.addTenant()
  const text = fc.string({ unit: 'binary', maxLength: 60 })
  const request = fc.record({
    method: fc.constantFrom('GET', 'POST', 'DELETE', 'PUT', 'HEAD', 'OPTIONS'),
    path: fc.oneof(
      fc.constantFrom(bounces, '/v3/suppression/spam_reports', '/v3/asm/suppressions/global', '/u'),
      text.map((any) => `/v3/${encodeURIComponent(any.toWellFormed())}`),
    ),
    below: fc.option(
      text.map((any) => `/${encodeURIComponent(any.toWellFormed())}`),
      { nil: '' },
    ),
    query: fc.array(
      fc.tuple(
        fc.constantFrom('limit', 'offset', 'email', 'start_time', 'end_time', 'delete_all', 'x[y]'),
        fc.oneof(text, fc.double().map(String), fc.bigInt().map(String)),
      ),
      { maxLength: 4 },
    ),
    body: fc.oneof(
      text,
      fc.json(),
      fc
        .record({
          email: fc.oneof(
            fc.jsonValue(),
            text.map((any) => `${any}@example.com`),
          ),
          recipient_emails: fc.array(text.map((any) => `${any}@example.com`)),
          bounce_type: fc.constantFrom('hard', 'soft', null, 7),
          reason: fc.jsonValue(),
          source: text,
        })
        .map((value) => JSON.stringify(value)),
    ),
    contentType: fc.constantFrom(
      'application/json',
      'text/csv',
      'application/json; charset=utf-16',
    ),
  })
  await fc.assert(
    fc.asyncProperty(request, async ({ method, path, below, query, body, contentType }) => {
      const search = query.map((pair) =>
        pair.map((any) => encodeURIComponent(any.toWellFormed())).join('='),
      )
      const hasBody = method === 'POST' || method === 'DELETE' || method === 'PUT'
      const reply = await door.call(method, `${path}${below}?${search.join('&')}`, {
        key,
        headers: hasBody ? { 'content-type': contentType } : {},
        ...(hasBody ? { body } : {}),
      })
      expect(reply.status).toBeLessThan(500)
      expect(reply.text).not.toMatch(/node_modules|PostgresError|\bat \w+ \(|SQLSTATE/)
    }),
    { numRuns: 200 },
  )
  expect(door.log()).not.toContain('"level":50')
})

test('bytes that are no HTTP get 400, and the door stays open', async () => {
  for (const bytes of ['\0\0\0', 'GET\r\n\r\n', 'POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n']) {
    const socket = connect(door.port, '127.0.0.1')
    socket.write(bytes)
    let answer = ''
    for await (const chunk of socket) answer += chunk
    expect(answer).toMatch(/^HTTP\/1\.1 400 /)
  }
  expect((await door.call('GET', bounces)).status).toBe(401)
})
