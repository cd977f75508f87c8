import { beforeAll, describe, expect, test } from 'vitest'
import { apiKeyScopes } from '../../src/tenant/api-key.ts'
import { type Reply, useDoor } from './door.ts'
import { routes } from './routes.ts'
import { type Named, nobodys, type SampleRequest, sampleRequests } from './sample-request.ts'

const door = useDoor()
const scopes = [...apiKeyScopes]

type Tenant = { tenantId: number; key: string }

let owner: Tenant
let stranger: Tenant
/** Everything of the owner's that a path could name. */
let owned: Named
let tables: string[]

beforeAll(async () => {
  owner = await door.addTenant({ scopes })
  stranger = await door.addTenant({ scopes })
  const found = await door.sql`
    select table_name
    from information_schema.columns
    where table_schema = 'public' and column_name = 'tenant_id'
    order by table_name`
  tables = found.map(({ tableName }) => tableName)
  // Reports and clicks leave more than calls of the API can.
  await door.sql`
    insert into received_message (
      tenant_id, received_message_id, mail_id, received_at, mail_from, rcpt_to, helo,
      remote_address, tls, size_bytes, outcome)
    values (
      ${owner.tenantId}, gen_random_uuid(), gen_random_uuid(), now(), '', 'bounces@example.com',
      'mx.example.net', '192.0.2.1', false, 1, 'unattributed')`
  for (const route of routes.filter(({ method }) => method === 'post')) {
    for (const request of sampleRequests(route)) await call(owner, request)
  }
  const group = await call(owner, {
    method: 'POST',
    path: '/v3/asm/groups',
    json: { name: 'News' },
  })
  expect(group.status).toBe(201)
  owned = { addresses: ['listed@example.com'], ids: await idsOf(owner.tenantId) }
  for (const route of routes.filter(({ method }) => method === 'post')) {
    for (const request of sampleRequests(route, owned)) await call(owner, request)
  }
  owned = { ...owned, ids: await idsOf(owner.tenantId) }
})

function call({ key }: Tenant, { method, path, ...content }: SampleRequest): Promise<Reply> {
  return door.call(method, path, { key, ...content })
}

/** Every row of a tenant, in every table. */
async function rowsOf(tenantId: number): Promise<Record<string, unknown[]>> {
  const rows: Record<string, unknown[]> = {}
  for (const table of tables) {
    const found = await door.sql`
      select to_jsonb(t) - 'last_used_at' as row
      from ${door.sql(table)} as t
      where tenant_id = ${tenantId}
      order by t::text`
    rows[table] = [...found]
  }
  return rows
}

async function idsOf(tenantId: number): Promise<string[]> {
  const text = JSON.stringify(await rowsOf(tenantId))
  const uuids = text.match(/\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g) ?? []
  const groups = await door.sql`
    select group_id from suppression_group where tenant_id = ${tenantId}`
  return [...new Set([...uuids, ...groups.map(({ groupId }) => String(groupId))])]
}

/** Without what only says what was asked for, and when. */
function told({ status, text }: Reply, { path }: SampleRequest): [number, string] {
  const asked = decodeURIComponent(path.split('/').at(-1) ?? '').split('?')[0] ?? ''
  const withoutId = asked === '' ? text : text.replaceAll(asked, '<asked>')
  return [status, withoutId.replace(/\d{10}/g, '<time>')]
}

test('the owner has rows to be found in every table that the API writes', async () => {
  const rows = await rowsOf(owner.tenantId)
  for (const table of ['api_key', 'suppression', 'suppression_group', 'feedback', 'audit_entry']) {
    expect([table, rows[table]?.length]).not.toEqual([table, 0])
  }
  expect(owned.ids.length).toBeGreaterThan(3)
})

test('the calls are made with bodies that they take', () => {
  for (const route of routes) {
    const [request] = sampleRequests(route)
    const isTaken = route.body === undefined || route.body.safeParse(request?.json).success
    expect([route.method, route.path, isTaken]).toEqual([route.method, route.path, true])
  }
})

describe('what belongs to another tenant is as if it were not there', () => {
  const named = routes.filter(({ path }) => path.includes(':'))

  test.each(named)('$method $path', async (route) => {
    const before = await rowsOf(owner.tenantId)
    const [absent] = sampleRequests(route, nobodys)
    if (absent === undefined) throw new Error('the call takes no id of ours')
    const expected = told(await call(stranger, absent), absent)
    const requests = sampleRequests(route, owned)
    expect(requests.length).toBeGreaterThan(0)
    for (const request of requests) {
      expect(told(await call(stranger, request), request)).toEqual(expected)
    }
    expect(await rowsOf(owner.tenantId)).toEqual(before)
  })

  const collections = routes.filter(({ path }) => !path.includes(':'))

  test.each(collections)('$method $path', async (route) => {
    const newcomer = await door.addTenant({ scopes })
    const before = await rowsOf(owner.tenantId)
    for (const request of sampleRequests(route)) {
      const reply = await call(newcomer, request)
      expect(reply.status).toBeLessThan(500)
      if (route.method !== 'get') continue
      for (const id of owned.ids) {
        // A small number may stand anywhere.
        if (id.length > 8) expect(reply.text).not.toContain(id)
      }
      expect(reply.text).not.toContain('listed@example.com')
    }
    expect(await rowsOf(owner.tenantId)).toEqual(before)
  })
})
