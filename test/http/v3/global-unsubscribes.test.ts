import { describe, expect, test } from 'vitest'
import { useDoor } from '../door.ts'

const door = useDoor()
const path = '/v3/asm/suppressions/global'

describe('GET /v3/asm/suppressions/global', () => {
  test('200 with the addresses, newest first, and the total', async () => {
    const { key } = await door.addTenant()
    door.setNow(new Date('2026-04-23T10:00:00Z'))
    await door.call('POST', path, { key, json: { recipient_emails: ['a@example.com'] } })
    door.setNow(new Date('2026-04-23T11:00:00Z'))
    const both = { recipient_emails: ['c@example.com', 'b@example.com'] }
    await door.call('POST', path, { key, json: both })
    door.setNow(null)
    const all = ['b@example.com', 'c@example.com', 'a@example.com']
    const { json } = await door.call('GET', path, { key })
    expect(json).toEqual({ recipient_emails: all, total: 3 })
    const page = await door.call('GET', `${path}?limit=1&offset=2`, { key })
    expect(page.json).toEqual({ recipient_emails: ['a@example.com'], total: 3 })
    const late = await door.call('GET', `${path}?start_time=1776942000`, { key })
    expect(late.json).toEqual({ recipient_emails: all.slice(0, 2), total: 2 })
  })

  test('400 for an offset that is none', async () => {
    const { key } = await door.addTenant()
    expect((await door.call('GET', `${path}?offset=x`, { key })).status).toBe(400)
  })
})

describe('GET /v3/asm/suppressions/global/{email}', () => {
  test('200 when unsubscribed, in any spelling', async () => {
    const { key } = await door.addTenant()
    await door.call('POST', path, { key, json: { recipient_emails: ['user@example.com'] } })
    const reply = await door.call('GET', `${path}/USER@Example.com`, { key })
    expect(reply.status).toBe(200)
    expect(reply.json).toEqual({ recipient_email: 'user@example.com' })
  })

  test('404 when not', async () => {
    const { key } = await door.addTenant()
    expect((await door.call('GET', `${path}/user@example.com`, { key })).status).toBe(404)
  })
})

describe('POST /v3/asm/suppressions/global', () => {
  test('201 with the addresses in canonical form, each once, and again when repeated', async () => {
    const { tenantId, key } = await door.addTenant()
    const json = { recipient_emails: ['User@Example.com', 'other@example.com', 'user@example.com'] }
    for (let times = 0; times < 2; times++) {
      const reply = await door.call('POST', path, { key, json })
      expect(reply.status).toBe(201)
      expect(reply.json).toEqual({ recipient_emails: ['user@example.com', 'other@example.com'] })
    }
    expect((await door.call('GET', path, { key })).json).toMatchObject({ total: 2 })
    const outbox = await door.sql`
      select address from outbox where tenant_id = ${tenantId} order by address`
    expect(outbox.map(({ address }) => address)).toEqual(['other@example.com', 'user@example.com'])
  })

  test('201 for 10,000 addresses at once', async () => {
    const { key } = await door.addTenant()
    const emails = Array.from({ length: 10_000 }, (_, n) => `user${n}@example.com`)
    const reply = await door.call('POST', path, { key, json: { recipient_emails: emails } })
    expect(reply.status).toBe(201)
    expect((await door.call('GET', path, { key })).json).toMatchObject({ total: 10_000 })
  })

  test('400 and nothing is added when one of several is invalid', async () => {
    const { key } = await door.addTenant()
    const json = { recipient_emails: ['a@example.com', 'nobody', 'b@example.com'] }
    const reply = await door.call('POST', path, { key, json })
    expect(reply.status).toBe(400)
    expect(reply.json).toEqual({
      detail: [
        {
          loc: ['body', 'recipient_emails', 1],
          msg: 'Invalid email address',
          type: 'value_error',
        },
      ],
      errors: [{ message: 'Invalid email address', field: 'recipient_emails.1', help: null }],
    })
    expect((await door.call('GET', path, { key })).json).toMatchObject({ total: 0 })
  })

  test.each([
    [{}],
    [{ recipient_emails: [] }],
    [{ recipient_emails: 'a@example.com' }],
    [{ recipient_emails: [null] }],
    [{ recipient_emails: Array.from({ length: 10_001 }, (_, n) => `u${n}@example.com`) }],
  ])('400 for %.60j', async (json) => {
    const { key } = await door.addTenant()
    expect((await door.call('POST', path, { key, json })).status).toBe(400)
  })
})

describe('DELETE /v3/asm/suppressions/global', () => {
  test('204 for one address, listed or not', async () => {
    const { key } = await door.addTenant()
    await door.call('POST', path, { key, json: { recipient_emails: ['a@example.com'] } })
    for (let times = 0; times < 2; times++)
      expect((await door.call('DELETE', `${path}/a@example.com`, { key })).status).toBe(204)
    expect((await door.call('GET', `${path}/a@example.com`, { key })).status).toBe(404)
  })

  test('204 for all of them with delete_all=true, else 400', async () => {
    const { key } = await door.addTenant()
    await door.call('POST', path, { key, json: { recipient_emails: ['a@example.com'] } })
    expect((await door.call('DELETE', path, { key })).status).toBe(400)
    expect((await door.call('DELETE', `${path}?delete_all=true`, { key })).status).toBe(204)
    expect((await door.call('GET', path, { key })).json).toEqual({ recipient_emails: [], total: 0 })
  })
})
