import { connect } from 'node:net'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { apiKeyScopes } from '../../src/tenant/api-key.ts'
import { useDoor } from './door.ts'

const door = useDoor()

type Parameter = { name: string; in: 'path' | 'query'; schema: object }
type Operation = {
  parameters?: Parameter[]
  requestBody?: { content: Record<string, { schema: object }> }
}
type Call = { method: string; template: string; operation: Operation }

let calls: Call[]
let key: string

beforeAll(async () => {
  const { json } = await door.call('GET', '/openapi.json')
  const { paths } = json as { paths: Record<string, Record<string, Operation>> }
  calls = Object.entries(paths).flatMap(([template, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({ method, template, operation })),
  )
  ;({ key } = await door.addTenant({ scopes: [...apiKeyScopes] }))
})

const oddText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom(
    '',
    'null',
    '-1',
    '1e309',
    '9'.repeat(40),
    'a@b@c',
    "' or 1=1 --",
    '../../etc/passwd',
    'İ@example.com',
    '\0',
    '\ud800',
    '<script>alert(1)</script>',
    'x'.repeat(3_000),
    'user@example.com',
  ),
)

const oddValue: fc.Arbitrary<unknown> = fc.oneof(
  oddText,
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom(null, true, 0, -1, 1e308, 2 ** 53, [], {}, [[]], { __proto__: null }),
)

/** A body that has the fields of the schema, some of them wrong, and others beside them. */
function bodyLike(schema: object): fc.Arbitrary<string> {
  const { properties = {} } = schema as { properties?: Record<string, object> }
  const fields = Object.fromEntries(Object.keys(properties).map((name) => [name, oddValue]))
  const object = fc.record({ ...fields, unknown: oddValue }, { requiredKeys: [] })
  const json = fc.oneof(object, oddValue).map((value) => JSON.stringify(value))
  const broken = fc.tuple(json, fc.nat(30)).map(([text, cut]) => text.slice(0, cut))
  return fc.oneof({ weight: 3, arbitrary: json }, broken, fc.string({ unit: 'binary' }))
}

type Malformed = { method: string; path: string; headers: string[]; body: Buffer }

function malformed({ method, template, operation }: Call): fc.Arbitrary<Malformed> {
  const { parameters = [], requestBody } = operation
  const inPath = parameters.filter((one) => one.in === 'path')
  const inQuery = parameters.filter((one) => one.in === 'query')
  const [type = 'application/json', { schema = {} } = {}] =
    Object.entries(requestBody?.content ?? {})[0] ?? []
  return fc
    .record({
      steps: fc.tuple(...inPath.map(() => oddText)),
      query: fc.array(fc.tuple(fc.constantFrom('x', ...inQuery.map(({ name }) => name)), oddText), {
        maxLength: 4,
      }),
      isEncoded: fc.boolean(),
      contentType: fc.oneof(
        fc.constant(type),
        fc.constantFrom('text/html', '', 'application/json'),
      ),
      body: bodyLike(schema),
      extra: fc.constantFrom(
        'X-A: b',
        'Expect: nothing',
        'Idempotency-Key: \x01',
        'Range: bytes=0-',
      ),
    })
    .map(({ steps, query, isEncoded, contentType, body, extra }) => {
      let index = 0
      const path = template.replace(/\{\w+\}/g, () => encode(steps[index++] ?? '', isEncoded))
      const search = query.map(([name, value]) => `${name}=${encode(value, isEncoded)}`).join('&')
      const hasBody = requestBody !== undefined
      return {
        method: method.toUpperCase(),
        path: `${path}${search === '' ? '' : `?${search}`}`,
        headers: [
          extra,
          ...(contentType === '' || !hasBody ? [] : [`Content-Type: ${contentType}`]),
        ],
        body: Buffer.from(hasBody ? body : ''),
      }
    })
}

/** Encoded as it should be, or only so far that the request line stays one. */
function encode(text: string, isEncoded: boolean): string {
  if (isEncoded) return encodeURIComponent(text.toWellFormed())
  return text.replace(/[\s\0-\x20\x7f]/g, '%').slice(0, 2_000)
}

/** What is answered to bytes that no HTTP library would send. */
async function answerTo({ method, path, headers, body }: Malformed): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port: door.port })
  const head = [
    `${method} ${path} HTTP/1.1`,
    'Host: 127.0.0.1',
    `Authorization: Bearer ${key}`,
    'Connection: close',
    ...headers,
    `Content-Length: ${body.length}`,
    '\r\n',
  ]
  socket.write(Buffer.concat([Buffer.from(head.join('\r\n')), body]))
  let text = ''
  for await (const chunk of socket) text += String(chunk)
  return text
}

const leak =
  /node_modules|\bat \w+.*\(|\.ts:\d|\.js:\d|select |insert |postgres|relation "|sqlstate|stack/i

describe('malformed requests of every kind', () => {
  test('no 5xx, nothing of our inside, and the door goes on as before', async () => {
    const runs = Math.ceil(1_500 / calls.length)
    for (const call of calls) {
      await fc.assert(
        fc.asyncProperty(malformed(call), async (request) => {
          const answer = await answerTo(request)
          const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1])
          expect(status, `${request.method} ${request.path}: ${answer}`).toBeLessThan(500)
          if (status >= 400) expect(answer.split('\r\n\r\n')[1] ?? '').not.toMatch(leak)
        }),
        { numRuns: runs },
      )
    }
    const after = await door.call('GET', '/v3/suppression/bounces', { key })
    expect(after.status).toBe(200)
  }, 240_000)
})
