import { describe, expect, test } from 'vitest'
import { useDoor } from '../door.ts'

const door = useDoor()
const path = '/v3/asm/groups'

type Group = { id: number; name: string; is_default: boolean; unsubscribes: number }

async function create(key: string, fields: object): Promise<Group> {
  const reply = await door.call('POST', path, { key, json: fields })
  expect(reply.status).toBe(201)
  return reply.json as Group
}

describe('POST /v3/asm/groups', () => {
  test('201 with the group as it is stored', async () => {
    const { key } = await door.addTenant()
    door.setNow(new Date('2026-04-23T10:00:00Z'))
    const json = { name: 'Newsletter', description: 'Weekly roundup', is_default: false }
    const reply = await door.call('POST', path, { key, json })
    door.setNow(null)
    expect(reply.status).toBe(201)
    expect(reply.json).toEqual({
      id: expect.any(Number),
      ...json,
      unsubscribes: 0,
      created_at: '2026-04-23T10:00:00Z',
    })
  })

  test('description and is_default may be left out', async () => {
    const { key } = await door.addTenant()
    expect(await create(key, { name: 'News' })).toMatchObject({
      description: '',
      is_default: false,
    })
  })

  test.each([
    ['no name', {}, ['body', 'name']],
    ['an empty name', { name: ' ' }, ['body', 'name']],
    ['a name of 101 characters', { name: 'x'.repeat(101) }, ['body', 'name']],
    ['a description of 501', { name: 'x', description: 'x'.repeat(501) }, ['body', 'description']],
    ['is_default as text', { name: 'x', is_default: 'yes' }, ['body', 'is_default']],
    ['NUL in the name', { name: 'a\0b' }, ['body', 'name']],
  ])('400 for %s', async (_, json, loc) => {
    const { key } = await door.addTenant()
    const reply = await door.call('POST', path, { key, json })
    expect(reply.status).toBe(400)
    expect(reply.json).toMatchObject({ detail: [{ loc }] })
  })

  test('400 for a name that a group of the tenant has, not for one of another tenant', async () => {
    const { key } = await door.addTenant()
    const { key: other } = await door.addTenant()
    await create(key, { name: 'News' })
    const reply = await door.call('POST', path, { key, json: { name: 'News' } })
    expect(reply.status).toBe(400)
    expect(reply.json).toMatchObject({ detail: [{ loc: ['body', 'name'] }] })
    await create(other, { name: 'News' })
  })

  test('one default at most, however many are made at once', async () => {
    const { key } = await door.addTenant()
    const names = Array.from({ length: 8 }, (_, n) => `Group ${n}`)
    await Promise.all(names.map((name) => create(key, { name, is_default: true })))
    const { json } = await door.call('GET', path, { key })
    const { groups } = json as { groups: Group[] }
    expect(groups).toHaveLength(8)
    expect(groups.filter((group) => group.is_default)).toHaveLength(1)
  })
})

describe('GET /v3/asm/groups', () => {
  test('200 with all groups, how many left each, and the total', async () => {
    const { key } = await door.addTenant()
    const news = await create(key, { name: 'News' })
    const offers = await create(key, { name: 'Offers' })
    const json = { recipient_emails: ['a@example.com', 'b@example.com'] }
    await door.call('POST', `${path}/${news.id}/suppressions`, { key, json })
    const all = await door.call('GET', path, { key })
    expect(all.json).toEqual({ groups: [{ ...news, unsubscribes: 2 }, offers], total: 2 })
    const one = await door.call('GET', `${path}/${news.id}`, { key })
    expect(one.json).toEqual({ ...news, unsubscribes: 2 })
  })

  test('404 for an id that is no group of the tenant, 400 for one that is no number', async () => {
    const { key } = await door.addTenant()
    const { key: other } = await door.addTenant()
    const { id } = await create(other, { name: 'Theirs' })
    for (const method of ['GET', 'DELETE']) {
      expect((await door.call(method, `${path}/${id}`, { key })).status).toBe(404)
      expect((await door.call(method, `${path}/news`, { key })).status).toBe(400)
      expect((await door.call(method, `${path}/99999999999`, { key })).status).toBe(400)
    }
    const patched = await door.call('PATCH', `${path}/${id}`, { key, json: { name: 'Mine' } })
    expect(patched.status).toBe(404)
    expect((await door.call('GET', `${path}/${id}`, { key: other })).status).toBe(200)
  })
})

describe('PATCH /v3/asm/groups/{group_id}', () => {
  test('200 with the group; fields that are not given stay', async () => {
    const { key } = await door.addTenant()
    const group = await create(key, { name: 'News', description: 'Weekly' })
    const json = { description: 'Updated description' }
    const reply = await door.call('PATCH', `${path}/${group.id}`, { key, json })
    expect(reply.status).toBe(200)
    expect(reply.json).toEqual({ ...group, ...json })
    expect((await door.call('GET', `${path}/${group.id}`, { key })).json).toEqual(reply.json)
    const same = await door.call('PATCH', `${path}/${group.id}`, { key, json: {} })
    expect(same.json).toEqual(reply.json)
  })

  test('a new default takes the place of the old one', async () => {
    const { key } = await door.addTenant()
    const first = await create(key, { name: 'First', is_default: true })
    const second = await create(key, { name: 'Second' })
    await door.call('PATCH', `${path}/${second.id}`, { key, json: { is_default: true } })
    const { json } = await door.call('GET', `${path}/${first.id}`, { key })
    expect(json).toMatchObject({ is_default: false })
  })

  test('400 for a name that another group has, its own may be given again', async () => {
    const { key } = await door.addTenant()
    await create(key, { name: 'News' })
    const { id } = await create(key, { name: 'Offers' })
    const taken = await door.call('PATCH', `${path}/${id}`, { key, json: { name: 'News' } })
    expect(taken.status).toBe(400)
    const own = await door.call('PATCH', `${path}/${id}`, { key, json: { name: 'Offers' } })
    expect(own.status).toBe(200)
  })
})

describe('DELETE /v3/asm/groups/{group_id}', () => {
  test('204: the group and who left it are gone, a tombstone stays, the name is free', async () => {
    const { tenantId, key } = await door.addTenant()
    const { id } = await create(key, { name: 'News', is_default: true })
    const json = { recipient_emails: ['a@example.com', 'b@example.com'] }
    await door.call('POST', `${path}/${id}/suppressions`, { key, json })
    const reply = await door.call('DELETE', `${path}/${id}`, { key })
    expect([reply.status, reply.text]).toEqual([204, ''])
    for (const gone of [`${path}/${id}`, `${path}/${id}/suppressions`]) {
      expect((await door.call('GET', gone, { key })).status).toBe(404)
    }
    expect((await door.call('GET', path, { key })).json).toEqual({ groups: [], total: 0 })
    const [tombstone] = await door.sql`
      select name, deleted_at from suppression_group where tenant_id = ${tenantId}`
    expect(tombstone).toMatchObject({ name: 'News', deletedAt: expect.any(Date) })
    expect(await door.sql`select 1 from suppression where tenant_id = ${tenantId}`).toHaveLength(0)
    const removed = await door.sql`
      select address from outbox where tenant_id = ${tenantId} and change = 'removed'`
    expect(removed).toHaveLength(2)
    expect((await door.call('DELETE', `${path}/${id}`, { key })).status).toBe(404)
    await create(key, { name: 'News', is_default: true })
  })

  test('what a deletion that failed half-way left behind goes with the next one', async () => {
    const { tenantId, key } = await door.addTenant()
    const { id } = await create(key, { name: 'News' })
    const json = { recipient_emails: ['a@example.com'] }
    await door.call('POST', `${path}/${id}/suppressions`, { key, json })
    await door.sql`
      update suppression_group set deleted_at = now()
      where tenant_id = ${tenantId} and group_id = ${id}`
    expect((await door.call('DELETE', `${path}/${id}`, { key })).status).toBe(204)
    expect(await door.sql`select 1 from suppression where tenant_id = ${tenantId}`).toHaveLength(0)
    expect((await door.call('DELETE', `${path}/${id}`, { key })).status).toBe(404)
  })
})
