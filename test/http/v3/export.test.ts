import { once } from 'node:events'
import { get } from 'node:http'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalAddress } from '../../../src/feedback/address.ts'
import { useDoor } from '../door.ts'

const door = useDoor()

const bounces = '/v3/suppression/bounces'

describe('the whole list as a file', () => {
  test('CSV unless something else is asked for', async () => {
    const { key } = await door.addTenant()
    door.setNow(new Date('2026-01-02T03:04:05Z'))
    await door.call('POST', bounces, { key, json: { email: '=a@example.com', reason: 'x, "y"' } })
    door.setNow(new Date('2026-01-02T03:04:06Z'))
    await door.call('POST', bounces, { key, json: { email: 'b@example.com', bounce_type: 'soft' } })
    door.setNow(null)
    const reply = await door.call('GET', `${bounces}/export`, { key })
    expect(reply.status).toBe(200)
    expect(reply.headers.get('content-type')).toBe('text/csv; charset=utf-8')
    expect(reply.headers.get('content-disposition')).toBe('attachment; filename=bounces.csv')
    expect(reply.text).toBe(
      [
        'email,created,reason,bounce_type,status,list',
        'b@example.com,1767323046,,soft,,bounces',
        `'=a@example.com,1767323045,"x, ""y""",hard,,bounces`,
        '',
      ].join('\r\n'),
    )
  })

  test.each([
    ['?format=ndjson', {}],
    ['', { accept: 'application/x-ndjson' }],
  ])('NDJSON: records as the API has them %s', async (query, headers) => {
    const { key } = await door.addTenant()
    const record = { email: '=a@example.com', reason: null, bounce_type: 'hard', status: null }
    await door.call('POST', bounces, { key, json: record })
    const reply = await door.call('GET', `${bounces}/export${query}`, { key, headers })
    expect(reply.headers.get('content-type')).toBe('application/x-ndjson')
    expect(reply.headers.get('content-disposition')).toContain('bounces.ndjson')
    expect(reply.text).toMatch(/^\{.*\}\n$/)
    expect(JSON.parse(reply.text)).toEqual({ ...record, created: expect.any(Number) })
  })

  test.each([
    ['/v3/suppression/spam_reports', 'email,created,source,list\r\n'],
    ['/v3/asm/suppressions/global', 'email,created,list\r\n'],
  ])('%s: a header when nobody is on it', async (path, text) => {
    const { key } = await door.addTenant()
    expect((await door.call('GET', `${path}/export`, { key })).text).toBe(text)
  })

  test('of a group; another tenant has no such group', async () => {
    const { key } = await door.addTenant()
    const made = await door.call('POST', '/v3/asm/groups', { key, json: { name: 'News' } })
    const path = `/v3/asm/groups/${(made.json as { id: number }).id}/suppressions`
    await door.call('POST', path, { key, json: { recipient_emails: ['a@example.com'] } })
    const file = await door.call('GET', `${path}/export?format=ndjson`, { key })
    expect(JSON.parse(file.text)).toMatchObject({ email: 'a@example.com' })
    const other = await door.addTenant()
    expect((await door.call('GET', `${path}/export`, { key: other.key })).status).toBe(404)
  })

  test('another format: 400; a key that may not read: 403', async () => {
    const { key } = await door.addTenant()
    expect((await door.call('GET', `${bounces}/export?format=xml`, { key })).status).toBe(400)
    const writer = await door.addTenant({ scopes: ['suppressions.write'] })
    expect((await door.call('GET', `${bounces}/export`, { key: writer.key })).status).toBe(403)
  })

  test('longer than a page, also of one moment: everybody once', async () => {
    const { tenantId, key } = await door.addTenant()
    await door.sql`
      insert into suppression (
        tenant_id, address, list, created_at, origin, suppresses_until, hard_until, bounce_class)
      select ${tenantId}, 'u' || n || '@example.com', 'bounces',
        '2026-01-01T00:00:00Z'::timestamptz + (n / 3000) * interval '1 second', 'import',
        'infinity', 'infinity', 'hard'
      from generate_series(1, 7000) as n`
    const { status, text } = await door.call('GET', `${bounces}/export`, { key })
    expect({ status, text: text.slice(0, 200) }).toMatchObject({ status: 200 })
    const addresses = text
      .split('\r\n')
      .slice(1, -1)
      .map((line) => line.split(',')[0])
    expect(new Set(addresses).size).toBe(7_000)
    expect(addresses).toHaveLength(7_000)
    expect(addresses[0]).toBe('u6000@example.com')
  })
})

describe('a file that goes into another account', () => {
  test('brings every entry back as it was', async () => {
    const of = (characters: string) => fc.string({ unit: fc.constantFrom(...characters) })
    const address = fc
      .tuple(of(`abc'=+-@",;|. é\\`), fc.boolean())
      .map(([text, isQuoted]) => canonicalAddress(`${isQuoted ? `"${text}"` : text}@example.com`))
      .filter((canonical) => canonical !== null)
    const entry = fc.record({
      address,
      bounce_class: fc.constantFrom('hard', 'soft', 'block'),
      // Blanks around it are no part of it.
      reason: of(`='+-@"\n\r\t,;x é`).map((text) => text.trim() || null),
      status: fc.constantFrom('5.1.1', '4.2.2', null),
    })
    const entries = fc.uniqueArray(entry, { selector: (one) => one.address, maxLength: 20 })
    await fc.assert(
      fc.asyncProperty(entries, async (wanted) => {
        const [from, to] = [await door.addTenant(), await door.addTenant()]
        for (const one of wanted) {
          const row = { ...one, tenant_id: from.tenantId, list: 'bounces', origin: 'api' }
          await door.sql`insert into suppression ${door.sql({ ...row, created_at: '2026-01-01' })}`
        }
        const exported = async (key: string, format: string) =>
          (await door.call('GET', `${bounces}/export?format=${format}`, { key })).text
        const reply = await door.call('POST', `${bounces}/import`, {
          key: to.key,
          body: await exported(from.key, 'csv'),
          headers: { 'content-type': 'text/csv' },
        })
        expect(reply.json).toEqual({ imported: wanted.length, skipped: 0, errors: [] })
        expect(await exported(to.key, 'ndjson')).toBe(await exported(from.key, 'ndjson'))
      }),
      { numRuns: 20 },
    )
  })
})

test('whoever leaves in the middle is no failure of ours', async () => {
  const { tenantId, key } = await door.addTenant()
  await door.sql`
    insert into suppression (tenant_id, address, list, created_at, origin, reason)
    select ${tenantId}, 'u' || n || '@example.com', 'bounces', now(), 'import', repeat('x', 2000)
    from generate_series(1, 20000) as n`
  const headers = { authorization: `Bearer ${key}` }
  const call = get(`${door.url}${bounces}/export`, { headers })
  const [response] = await once(call, 'response')
  await once(response, 'data')
  response.destroy()
  await once(call, 'close')
  // Whatever was to be said of it has been said by then.
  expect((await door.call('GET', `${bounces}/export`, { key })).status).toBe(200)
  expect(door.log()).not.toContain('request failed')
})

describe('when the database goes away', () => {
  test('before the first page: 503; in the middle the connection is cut', async () => {
    const { tenantId, key } = await door.addTenant()
    await door.sql`
      insert into suppression (tenant_id, address, list, created_at, origin, reason)
      select ${tenantId}, 'u' || n || '@example.com', 'bounces', now(), 'import', repeat('x', 2000)
      from generate_series(1, 20000) as n`
    const call = get(`${door.url}${bounces}/export`, {
      headers: { authorization: `Bearer ${key}` },
    })
    const [response] = await once(call, 'response')
    expect(response.statusCode).toBe(200)
    await door.dropDatabase()
    const readAll = async () => {
      for await (const _chunk of response) {
        // Until it ends or breaks.
      }
    }
    await expect(readAll()).rejects.toThrow('aborted')
    expect((await door.call('GET', `${bounces}/export`, { key })).status).toBe(503)
  })
})
