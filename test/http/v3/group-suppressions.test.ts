import { describe, expect, test } from 'vitest'
import { useDoor } from '../door.ts'

const door = useDoor()

async function createGroup(key: string, name = 'News'): Promise<string> {
  const { json } = await door.call('POST', '/v3/asm/groups', { key, json: { name } })
  return `/v3/asm/groups/${(json as { id: number }).id}/suppressions`
}

function emails(...names: string[]) {
  return { recipient_emails: names.map((name) => `${name}@example.com`) }
}

describe('group suppressions', () => {
  test('POST: 201 with the addresses in canonical form, each once, and again when repeated', async () => {
    const { key } = await door.addTenant()
    const path = await createGroup(key)
    const json = { recipient_emails: ['Opt-Out@Example.com', 'opt-out@example.com'] }
    for (let times = 0; times < 2; times++) {
      const reply = await door.call('POST', path, { key, json })
      expect(reply.status).toBe(201)
      expect(reply.json).toEqual(emails('opt-out'))
    }
    expect((await door.call('GET', path, { key })).json).toEqual({ ...emails('opt-out'), total: 1 })
  })

  test('GET: pages of page_size, counted from 1', async () => {
    const { key } = await door.addTenant()
    const path = await createGroup(key)
    await door.call('POST', path, { key, json: emails('a', 'b', 'c', 'd', 'e') })
    const second = await door.call('GET', `${path}?page=2&page_size=2`, { key })
    expect(second.json).toEqual({ ...emails('c', 'd'), total: 5 })
    const beyond = await door.call('GET', `${path}?page=9`, { key })
    expect(beyond.json).toEqual({ recipient_emails: [], total: 5 })
    for (const wrong of ['page=0', 'page=x', 'page_size=0', 'page_size=501', 'page=1&cursor=x']) {
      expect((await door.call('GET', `${path}?${wrong}`, { key })).status).toBe(400)
    }
  })

  test('DELETE: 204, also when the address had not left; the others stay', async () => {
    const { tenantId, key } = await door.addTenant()
    const path = await createGroup(key)
    await door.call('POST', path, { key, json: emails('a', 'b') })
    for (let times = 0; times < 2; times++) {
      expect((await door.call('DELETE', `${path}/A%40example.com`, { key })).status).toBe(204)
    }
    expect((await door.call('GET', path, { key })).json).toEqual({ ...emails('b'), total: 1 })
    const told = await door.sql`
      select list, address from outbox where tenant_id = ${tenantId} and change = 'removed'`
    expect(told).toMatchObject([{ list: 'group_unsubscribes', address: 'a@example.com' }])
  })

  test('404 for groups that are deleted, of another tenant or nobody’s; nothing is written', async () => {
    const { key } = await door.addTenant()
    const { key: other, tenantId } = await door.addTenant()
    const theirs = await createGroup(other)
    const deleted = await createGroup(other, 'Old')
    await door.call('DELETE', deleted.replace('/suppressions', ''), { key: other })
    for (const [caller, path] of [
      [key, theirs],
      [other, deleted],
      [other, '/v3/asm/groups/2147483647/suppressions'],
    ]) {
      const options = { key: caller ?? null }
      expect((await door.call('GET', `${path}`, options)).status).toBe(404)
      expect((await door.call('POST', `${path}`, { ...options, json: emails('a') })).status).toBe(
        404,
      )
      expect((await door.call('DELETE', `${path}/a@example.com`, options)).status).toBe(404)
    }
    expect(await door.sql`select 1 from suppression where tenant_id = ${tenantId}`).toHaveLength(0)
  })

  test('nobody stays in a group that is deleted while he is added', async () => {
    const { tenantId, key } = await door.addTenant()
    const path = await createGroup(key)
    const names = Array.from({ length: 20 }, (_, n) => `user${n}`)
    const additions = names.map((name) => door.call('POST', path, { key, json: emails(name) }))
    const deletion = door.call('DELETE', path.replace('/suppressions', ''), { key })
    const statuses = (await Promise.all(additions)).map(({ status }) => status)
    expect(statuses.every((status) => status === 201 || status === 404)).toBe(true)
    expect((await deletion).status).toBe(204)
    expect(await door.sql`select 1 from suppression where tenant_id = ${tenantId}`).toHaveLength(0)
  })
})
