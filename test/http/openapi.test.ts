import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, test } from 'vitest'
import { useDoor } from './door.ts'

const door = useDoor()

type Operation = { summary: string; tags: string[]; responses: Record<string, object> }
type Document = { openapi: string; paths: Record<string, Record<string, Operation>> }

async function read(): Promise<Document> {
  const { status, json } = await door.call('GET', '/openapi.json')
  expect(status).toBe(200)
  return json as Document
}

describe('GET /openapi.json', () => {
  test('is OpenAPI 3.1 and has every call with its failures', async () => {
    const { openapi, paths } = await read()
    expect(openapi).toBe('3.1.0')
    expect(Object.keys(paths['/v3/suppression/bounces'] ?? {})).toEqual(['get', 'post', 'delete'])
    const operations = Object.values(paths).flatMap((path) => Object.values(path))
    for (const { summary, tags, responses } of operations) {
      expect(summary).not.toBe('')
      expect(tags).toHaveLength(1)
      expect(Object.keys(responses)).toEqual(expect.arrayContaining(['400', '401', '403', '503']))
    }
  })

  test('says what numbers and addresses in a request may be', async () => {
    const { paths } = await read()
    expect(paths['/v3/suppression/bounces']?.['get']).toMatchObject({
      parameters: expect.arrayContaining([
        expect.objectContaining({
          name: 'limit',
          in: 'query',
          required: false,
          schema: { type: 'integer', minimum: 1, maximum: 500 },
        }),
      ]),
    })
  })

  test('has patterns of JSON Schema, which know no flags', async () => {
    const text = (await door.call('GET', '/openapi.json')).text
    const patterns = [...text.matchAll(/"pattern":("(?:[^"\\]|\\.)*")/g)].map(([, pattern = '']) =>
      JSON.parse(pattern),
    )
    expect(patterns).toContain('^#[0-9a-fA-F]{6}$')
    for (const pattern of patterns) {
      expect(() => new RegExp(pattern, 'u')).not.toThrow()
      expect(pattern).not.toMatch(/\$\/[a-z]+$/)
    }
  })

  test('says which fields requests and answers have beside their bodies', async () => {
    const { paths } = await read()
    const bounces = paths['/v3/suppression/bounces']
    const named = (operation: object | undefined) =>
      ((operation as { parameters?: { name: string; in: string }[] }).parameters ?? [])
        .filter((parameter) => parameter.in === 'header')
        .map(({ name }) => name)
    expect(named(bounces?.['get'])).toEqual(['X-Request-Id'])
    expect(named(bounces?.['post'])).toEqual(['X-Request-Id', 'X-Audit-Reason', 'Idempotency-Key'])
    const upload = paths['/v3/suppression/bounces/import']?.['post']
    expect(named(upload)).toEqual(['X-Request-Id', 'X-Audit-Reason', 'Prefer'])
    expect(bounces?.['get']).toMatchObject({
      responses: { 200: { headers: { 'X-Request-Id': { required: true }, Link: {} } } },
    })
    expect(upload).toMatchObject({
      responses: {
        200: { headers: { 'X-Import-Errors': { required: true, schema: { type: 'integer' } } } },
        202: { headers: { Location: { required: true }, 'Preference-Applied': {} } },
        429: { $ref: '#/components/responses/TooManyRequests' },
      },
    })
  })

  test('needs no key, as the page that shows it', async () => {
    const page = await door.call('GET', '/docs')
    expect(page.status).toBe(200)
    expect(page.text).toContain('/docs/swagger-ui-bundle.js')
    for (const file of ['swagger-ui.css', 'swagger-ui-bundle.js', 'start.js']) {
      const { status, text } = await door.call('GET', `/docs/${file}`)
      expect([status, text.length > 100]).toEqual([200, true])
    }
  })
})

test.each([
  [416, { range: 'bytes=99999999-' }],
  [412, { 'if-match': '"another"' }],
])('%i, not 500, for a part of a file of that page that is not there', async (status, headers) => {
  const reply = await door.call('GET', '/docs/swagger-ui.css', { headers })
  expect(reply.status).toBe(status)
  expect(reply.json).toMatchObject({ errors: [{ field: null }] })
  expect(door.log()).not.toContain('request failed')
})

test.each([
  ['a body of another shape', 200, '{"groups":"none"}'],
  ['a status that nobody expects', 418, '{}'],
])('%s fails the test that gets it', async (_name, status, body) => {
  const document = await (await fetch(`${door.url}/openapi.json`)).text()
  const impostor = createServer((request, response) => {
    const isDocument = request.url === '/openapi.json'
    response.writeHead(isDocument ? 200 : status, {
      'content-type': 'application/json',
      'x-request-id': 'one',
    })
    response.end(isDocument ? document : body)
  })
  await once(impostor.listen(0, '127.0.0.1'), 'listening')
  const { port } = impostor.address() as AddressInfo
  await expect(fetch(`http://127.0.0.1:${port}/v3/asm/groups`)).rejects.toThrow('/v3/asm/groups')
  impostor.close()
})
