import { describe, expect, test } from 'vitest'
import { useDoor } from '../door.ts'

const door = useDoor()
const path = '/v3/suppression/spam_reports'

describe('GET /v3/suppression/spam_reports', () => {
  test('200 with records of email, created and source, and the total', async () => {
    const { key } = await door.addTenant()
    door.setNow(new Date('2026-04-23T10:00:00.900Z'))
    await door.call('POST', path, { key, json: { email: 'a@example.com', source: 'ticket #1' } })
    door.setNow(new Date('2026-04-23T11:00:00Z'))
    await door.call('POST', path, { key, json: { email: 'b@example.com' } })
    door.setNow(null)
    expect((await door.call('GET', path, { key })).json).toEqual({
      spam_reports: [
        { email: 'b@example.com', created: 1776942000, source: null },
        { email: 'a@example.com', created: 1776938400, source: 'ticket #1' },
      ],
      total: 2,
    })
    const first = await door.call('GET', `${path}?end_time=1776938400&limit=1`, { key })
    expect(first.json).toMatchObject({ spam_reports: [{ email: 'a@example.com' }], total: 1 })
  })

  test('400 for an unknown limit', async () => {
    const { key } = await door.addTenant()
    expect((await door.call('GET', `${path}?limit=501`, { key })).status).toBe(400)
  })
})

describe('GET /v3/suppression/spam_reports/{email}', () => {
  test('200 with every report of the address, newest first', async () => {
    const { key } = await door.addTenant()
    for (const source of ['one', 'two'])
      await door.call('POST', path, { key, json: { email: 'a@example.com', source } })
    const reply = await door.call('GET', `${path}/a@example.com`, { key })
    expect(reply.status).toBe(200)
    expect(reply.json).toMatchObject([{ source: 'two' }, { source: 'one' }])
  })

  test('200 with the entry itself when its history is gone', async () => {
    const { tenantId, key } = await door.addTenant()
    await door.call('POST', path, { key, json: { email: 'a@example.com', source: 'kept' } })
    await door.sql`delete from feedback where tenant_id = ${tenantId}`
    const { json } = await door.call('GET', `${path}/a@example.com`, { key })
    expect(json).toMatchObject([{ email: 'a@example.com', source: 'kept' }])
  })

  test('404 when the address is not listed, though it has bounced', async () => {
    const { key } = await door.addTenant()
    await door.call('POST', '/v3/suppression/bounces', { key, json: { email: 'a@example.com' } })
    expect((await door.call('GET', `${path}/a@example.com`, { key })).status).toBe(404)
  })
})

describe('POST /v3/suppression/spam_reports', () => {
  test('201 with the created record', async () => {
    const { key } = await door.addTenant()
    const json = { email: 'Abuser@Example.com', source: 'support_ticket_#4821' }
    const reply = await door.call('POST', path, { key, json })
    expect(reply.status).toBe(201)
    expect(reply.json).toEqual({
      email: 'abuser@example.com',
      created: expect.any(Number),
      source: 'support_ticket_#4821',
    })
  })

  test.each([[{}], [{ email: 'x' }], [{ email: 'a@example.com', source: 1 }]])(
    '400 for %j',
    async (json) => {
      const { key } = await door.addTenant()
      expect((await door.call('POST', path, { key, json })).status).toBe(400)
      expect((await door.call('GET', path, { key })).json).toMatchObject({ total: 0 })
    },
  )
})

describe('DELETE /v3/suppression/spam_reports', () => {
  test('204 for one address, listed or not', async () => {
    const { key } = await door.addTenant()
    await door.call('POST', path, { key, json: { email: 'a@example.com' } })
    for (let times = 0; times < 2; times++)
      expect((await door.call('DELETE', `${path}/a@example.com`, { key })).status).toBe(204)
    expect((await door.call('GET', path, { key })).json).toEqual({ spam_reports: [], total: 0 })
  })

  test('204 for all of them with delete_all=true, else 400', async () => {
    const { key } = await door.addTenant()
    await door.call('POST', path, { key, json: { email: 'a@example.com' } })
    expect((await door.call('DELETE', path, { key })).status).toBe(400)
    expect((await door.call('GET', path, { key })).json).toMatchObject({ total: 1 })
    expect((await door.call('DELETE', `${path}?delete_all=true`, { key })).status).toBe(204)
    expect((await door.call('GET', path, { key })).json).toMatchObject({ total: 0 })
  })
})
