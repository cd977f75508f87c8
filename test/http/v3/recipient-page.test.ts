import { beforeAll, describe, expect, test } from 'vitest'
import { useDoor } from '../door.ts'

const door = useDoor()
const path = '/v3/recipient_page'
const png = Buffer.from('\x89PNG\r\n\x1a\n and so on', 'latin1')
const untouched = {
  name: null,
  color: null,
  landing_url: null,
  texts: {},
  logo: null,
  updated_at: null,
}

let key: string
beforeAll(async () => {
  ;({ key } = await door.addTenant())
})

const get = async () => (await door.call('GET', path, { key })).json
const patch = (json: unknown) => door.call('PATCH', path, { key, json })

test('GET before anything was set: all is ours', async () => {
  const { key } = await door.addTenant()
  const reply = await door.call('GET', path, { key })
  expect([reply.status, reply.json]).toEqual([200, untouched])
})

test('PATCH changes what is given, and null takes it back', async () => {
  const now = new Date('2026-11-21T10:00:00Z')
  door.setNow(now)
  const reply = await patch({
    name: ' Acme ',
    color: '#0F7A4F',
    landing_url: 'https://acme.example/bye',
    texts: { default: { footer: 'Acme, Leeds' }, ar: { farewell: 'شكرًا' } },
    logo: { data: png.toString('base64') },
  })
  const page = {
    name: 'Acme',
    color: '#0f7a4f',
    landing_url: 'https://acme.example/bye',
    texts: { default: { footer: 'Acme, Leeds' }, ar: { farewell: 'شكرًا' } },
    logo: { content_type: 'image/png', bytes: png.length },
    updated_at: now.toISOString(),
  }
  expect([reply.status, reply.json]).toEqual([200, page])
  await patch({ color: null, logo: null, texts: null })
  expect(await get()).toEqual({ ...page, color: null, logo: null, texts: {} })
  expect((await patch({})).json).toEqual(await get())
  door.setNow(null)
})

test('two changes at once take nothing from each other', async () => {
  await Promise.all([patch({ name: 'Both' }), patch({ color: '#123456' })])
  expect(await get()).toMatchObject({ name: 'Both', color: '#123456' })
})

test('every change is in the audit trail, without the bytes of the logo', async () => {
  const { key, tenantId } = await door.addTenant()
  const headers = { 'x-audit-reason': 'new brand' }
  const logo = { data: png.toString('base64') }
  await door.call('PATCH', path, { key, headers, json: { name: 'Acme', logo } })
  const entries = await door.sql`
    select action, reason, detail from audit_entry where tenant_id = ${tenantId}`
  expect(entries).toMatchObject([
    { action: 'page.update', reason: 'new brand', detail: { page: { name: 'Acme' } } },
  ])
  expect(JSON.stringify(entries)).not.toContain(logo.data)
})

test('a tenant sees and changes its own only', async () => {
  const other = await door.addTenant()
  await patch({ name: 'Mine' })
  expect((await door.call('GET', path, { key: other.key })).json).toEqual(untouched)
})

describe('400, and nothing is changed', () => {
  const webp = (length: number) =>
    Buffer.concat([Buffer.from('RIFF\0\0\0\0WEBP', 'latin1'), Buffer.alloc(length - 12)])
  const data = (image: Buffer) => ({ logo: { data: image.toString('base64') } })
  test.each<[string, object, string]>([
    ['an unknown field', { colour: '#123456' }, 'body'],
    ['a name with a control character', { name: 'a\u0007b' }, 'body.name'],
    ['a name of spaces', { name: '   ' }, 'body.name'],
    ['a name that is too long', { name: 'x'.repeat(101) }, 'body.name'],
    ['a colour by name', { color: 'red' }, 'body.color'],
    ['a colour that is more', { color: '#123456;}body{display:none' }, 'body.color'],
    ['a landing page over http', { landing_url: 'http://acme.example/' }, 'body.landing_url'],
    ['a landing page that is a script', { landing_url: 'javascript:alert(1)' }, 'body.landing_url'],
    ['a landing page with a user', { landing_url: 'https://a@b.example/' }, 'body.landing_url'],
    ['an unknown language', { texts: { xx: { footer: 'a' } } }, 'body.texts'],
    ['an unknown text', { texts: { de: { header: 'a' } } }, 'body.texts.de'],
    [
      'a text that is too long',
      { texts: { de: { footer: 'x'.repeat(1_001) } } },
      'body.texts.de.footer',
    ],
    ['a NUL', { texts: { de: { footer: '\0' } } }, 'body.texts.de.footer'],
    ['a logo that is no base64', { logo: { data: '!' } }, 'body.logo.data'],
    ['an SVG logo', data(Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>')), 'body.logo'],
    ['a GIF logo', data(Buffer.from('GIF89a and so on')), 'body.logo'],
    ['a logo that is too large', data(webp(200_001)), 'body.logo'],
  ])('for %s', async (_name, change, where) => {
    const before = await get()
    const reply = await patch(change)
    expect(reply.status).toBe(400)
    const { detail } = reply.json as { detail: { loc: string[] }[] }
    expect(detail.map(({ loc }) => loc.join('.'))).toContainEqual(expect.stringContaining(where))
    expect(await get()).toEqual(before)
  })

  test('but not for the largest logo, of any type', async () => {
    for (const image of [webp(200_000), Buffer.from('\xff\xd8\xff\xe0 JFIF', 'latin1')]) {
      expect((await patch(data(image))).status).toBe(200)
    }
  })
})

test.each([
  ['GET', 'suppressions.write'],
  ['PATCH', 'suppressions.read'],
] as const)('403 for %s with the scope %s only', async (method, scope) => {
  const { key } = await door.addTenant({ scopes: [scope] })
  const json = method === 'PATCH' ? { json: {} } : {}
  expect((await door.call(method, path, { key, ...json })).status).toBe(403)
})
