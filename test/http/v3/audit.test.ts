import { beforeAll, describe, expect, test } from 'vitest'
import { writeCursor } from '../../../src/http/v3/cursor.ts'
import { type Reply, useDoor } from '../door.ts'

const door = useDoor()
const path = '/v3/audit'
let shop: { tenantId: number; key: string }
let stranger: { tenantId: number; key: string }
const start = Date.UTC(2026, 10, 2, 8) / 1000

type Entry = { id: string; email?: string; action: string; actor: { id: string } }

beforeAll(async () => {
  shop = await door.addTenant()
  stranger = await door.addTenant()
  at(0)
  const headers = { 'x-audit-reason': 'clean-up', 'x-request-id': 'request-1' }
  await call('POST', '/v3/suppression/bounces', { json: { email: 'A@example.com' }, headers })
  at(1)
  const json = { recipient_emails: ['b@example.com', 'c@example.com', 'd@example.com'] }
  await call('POST', '/v3/asm/suppressions/global', { json })
  at(2)
  await call('DELETE', '/v3/suppression/bounces/a@example.com')
  await call('DELETE', '/v3/suppression/bounces/nobody@example.com')
  at(3)
  await call('POST', '/v3/asm/groups', { json: { name: 'News' } })
  at(4)
  await call('DELETE', '/v3/asm/suppressions/global?delete_all=true')
})

function at(seconds: number): void {
  door.setNow(new Date((start + seconds) * 1000))
}

const call = (
  method: string,
  path: string,
  options: { json?: unknown; headers?: Record<string, string> } = {},
): Promise<Reply> => door.call(method, path, { key: shop.key, ...options })

const ask = (query = '', { key } = shop): Promise<Reply> =>
  door.call('GET', `${path}?${query}`, { key })

async function entries(query = '', tenant = shop): Promise<Entry[]> {
  const { status, json } = await ask(query, tenant)
  expect(status).toBe(200)
  return (json as { entries: Entry[] }).entries
}

const told = (found: readonly Entry[]) => found.map(({ action, email }) => [action, email])

describe('GET /v3/audit', () => {
  test('every change by hand, newest first: who, when, why, and what came of it', async () => {
    const found = await entries()
    expect(told(found)).toEqual([
      ['suppression.remove-all', undefined],
      ['group.create', undefined],
      ['suppression.remove', 'a@example.com'],
      ...['d', 'c', 'b'].map((name) => ['suppression.add', `${name}@example.com`]),
      ['suppression.add', 'a@example.com'],
    ])
    expect(found.at(-1)).toEqual({
      id: expect.any(String),
      happened_at: new Date(start * 1000).toISOString(),
      actor: { kind: 'api-key', id: expect.any(String), name: 'test' },
      action: 'suppression.add',
      list: 'bounces',
      email: 'a@example.com',
      entries: 1,
      reason: 'clean-up',
      request_id: 'request-1',
      detail: { bounce_type: 'hard' },
    })
    expect(found[0]).toMatchObject({ list: 'global_unsubscribes', entries: 3, reason: null })
    expect(found[1]).toMatchObject({ group_id: expect.any(Number), detail: { name: 'News' } })
  })

  test('nothing of other tenants', async () => {
    expect(await entries('', stranger)).toEqual([])
  })

  test('by address in any spelling, by action, by actor, and by time to the second', async () => {
    expect(told(await entries('email=a@EXAMPLE.com'))).toEqual([
      ['suppression.remove', 'a@example.com'],
      ['suppression.add', 'a@example.com'],
    ])
    expect(await entries('action=suppression.add')).toHaveLength(4)
    expect(await entries('action=suppression.add&email=a@example.com')).toHaveLength(1)
    const [{ actor } = { actor: { id: '' } }] = await entries()
    expect(await entries(`actor=${actor.id}`)).toHaveLength(7)
    expect(await entries('actor=somebody')).toEqual([])
    expect(await entries(`start_time=${start + 1}&end_time=${start + 2}`)).toHaveLength(4)
    expect(await entries(`end_time=${start}`)).toHaveLength(1)
    expect(await entries(`start_time=${start + 5}`)).toEqual([])
  })

  test('in pages that neither skip nor repeat, also within one moment', async () => {
    for (const filter of ['', `&action=suppression.add&start_time=${start}`]) {
      const all = await entries(filter)
      const seen: Entry[] = []
      let next: string | null = `${path}?limit=2${filter}`
      for (let pages = 0; next !== null && pages < 10; pages++) {
        const reply: Reply = await call('GET', next)
        const page = (reply.json as { entries: Entry[] }).entries
        expect(page.length).toBeLessThanOrEqual(2)
        seen.push(...page)
        next = /^<(.+)>; rel="next"$/.exec(reply.headers.get('link') ?? '')?.[1] ?? null
      }
      expect(seen).toEqual(all)
    }
  })

  test('details keep the names that they were written with', async () => {
    await door.sql`
      update audit_entry set detail = '{"dry_run": true, "file_name": {"a_b": 1}}'
      where tenant_id = ${shop.tenantId} and action = 'group.create'`
    const [created] = await entries('action=group.create')
    expect(created).toMatchObject({ detail: { dry_run: true, file_name: { a_b: 1 } } })
  })

  test.each([
    'limit=0',
    'limit=501',
    'limit=x',
    'email=nobody',
    'actor=',
    'action=',
    'start_time=-1',
    'end_time=2026-01-01',
    'cursor=x',
    'cursor=',
    `cursor=${writeCursor([1, 'x'])}`,
    `cursor=${writeCursor(['1', '018f0000-0000-7000-8000-000000000000'])}`,
    `cursor=${writeCursor([8.6e15, '018f0000-0000-7000-8000-000000000000'])}`,
    `cursor=${writeCursor([1])}`,
    'actor=%00',
  ])('400 for %s', async (query) => {
    expect((await ask(query)).status).toBe(400)
  })
})

test('who cancelled an import, and which', async () => {
  const { key } = await door.addTenant()
  const headers = { 'content-type': 'text/csv', prefer: 'respond-async' }
  const body = 'email\na@example.com\n'
  const sent = await door.call('POST', '/v3/suppression/spam_reports/import', {
    key,
    headers,
    body,
  })
  const { id } = sent.json as { id: string }
  const reason = { 'x-audit-reason': 'wrong file' }
  for (const _ of ['once', 'again']) {
    await door.call('DELETE', `/v3/imports/${id}`, { key, headers: reason })
  }
  const reply = await door.call('GET', path, { key })
  expect(reply.json).toMatchObject({
    entries: [
      {
        actor: { kind: 'api-key', name: 'test' },
        action: 'suppression.import-cancel',
        list: 'spam_reports',
        reason: 'wrong file',
        detail: { importId: id },
      },
    ],
  })
})
