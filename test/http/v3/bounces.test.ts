import { describe, expect, test } from 'vitest'
import { createDatabase } from '../../../src/db/sql.ts'
import type { SuppressionEntry } from '../../../src/feedback/suppression.ts'
import { addFeedback } from '../../../src/record/feedback.ts'
import { addSuppressions } from '../../../src/suppression/add.ts'
import { useDoor } from '../door.ts'

const door = useDoor()
const path = '/v3/suppression/bounces'
const day = 86_400_000

/** What a report leaves behind, `daysAgo` days ago. */
async function bounced(
  tenantId: number,
  address: string,
  daysAgo: number,
  bounce: Partial<Pick<SuppressionEntry, 'bounceClass' | 'status' | 'reason' | 'until'>> = {},
): Promise<Date> {
  const since = new Date(Math.floor(Date.now() / 1000) * 1000 - daysAgo * day)
  const entry: SuppressionEntry = {
    list: 'bounces',
    groupId: 0,
    address,
    origin: 'report',
    since,
    until: null,
    suppresses: true,
    bounceClass: 'hard',
    status: '5.1.1',
    reason: '550 5.1.1 User unknown',
    source: null,
    ...bounce,
  }
  const db = createDatabase(door.target, { maxConnections: 1 })
  await db.transaction(async (sql) => {
    await addSuppressions(sql, tenantId, [entry])
    await addFeedback(sql, [
      {
        tenant_id: tenantId,
        feedback_id: crypto.randomUUID(),
        kind: 'bounce',
        recipient: address,
        reported_at: since,
        origin: 'report',
        token_expired: false,
        bounce_class: entry.bounceClass ?? 'hard',
        status: entry.status,
        reason: entry.reason,
      },
    ])
  })
  await db.close()
  return since
}

function seconds(date: Date): number {
  return date.getTime() / 1000
}

describe('GET /v3/suppression/bounces', () => {
  test('200 with an empty list when nothing has bounced', async () => {
    const { key } = await door.addTenant()
    const reply = await door.call('GET', path, { key })
    expect(reply.status).toBe(200)
    expect(reply.json).toEqual({ bounces: [], total: 0 })
  })

  test('200 with the record of a reported bounce, and no key beyond the contract', async () => {
    const { tenantId, key } = await door.addTenant()
    const since = await bounced(tenantId, 'invalid@example.com', 1)
    const { json } = await door.call('GET', path, { key })
    expect(json).toEqual({
      bounces: [
        {
          email: 'invalid@example.com',
          created: seconds(since),
          reason: '550 5.1.1 User unknown',
          bounce_type: 'hard',
          status: '5.1.1',
        },
      ],
      total: 1,
    })
  })

  test('newest first, in pages, with the total of all pages', async () => {
    const { tenantId, key } = await door.addTenant()
    for (const n of [1, 2, 3, 4, 5]) await bounced(tenantId, `user${n}@example.com`, n)
    const emails = async (query: string) => {
      const { json } = await door.call('GET', path + query, { key })
      const { bounces, total } = json as { bounces: { email: string }[]; total: number }
      expect(total).toBe(5)
      return bounces.map(({ email }) => email.slice(4, 5)).join('')
    }
    expect(await emails('')).toBe('12345')
    expect(await emails('?limit=2')).toBe('12')
    expect(await emails('?limit=2&offset=4')).toBe('5')
    expect(await emails('?limit=500&offset=5')).toBe('')
  })

  test('50 to a page when no limit is given', async () => {
    const { tenantId, key } = await door.addTenant()
    await door.sql`
      insert into suppression (tenant_id, address, list, created_at, origin, bounce_class)
      select ${tenantId}, 'u' || n || '@example.com', 'bounces', now(), 'import', 'hard'
      from generate_series(1, 60) as n`
    const { json } = await door.call('GET', path, { key })
    expect((json as { bounces: unknown[] }).bounces).toHaveLength(50)
  })

  test('start_time and end_time are inclusive to the second', async () => {
    const { tenantId, key } = await door.addTenant()
    const since = await bounced(tenantId, 'a@example.com', 3)
    await door.sql`
      update suppression
      set created_at = created_at + interval '700 milliseconds'
      where tenant_id = ${tenantId}`
    const total = async (query: string) => {
      const { json } = await door.call('GET', `${path}?${query}`, { key })
      return (json as { total: number }).total
    }
    const at = seconds(since)
    expect(await total(`start_time=${at}&end_time=${at}`)).toBe(1)
    expect(await total(`start_time=${at + 1}`)).toBe(0)
    expect(await total(`end_time=${at - 1}`)).toBe(0)
    expect(await total(`start_time=${at - 1}&end_time=${at + 1}`)).toBe(1)
    expect(await total(`start_time=${at + 1}&end_time=${at - 1}`)).toBe(0)
  })

  test('email filters by the whole address in any spelling', async () => {
    const { tenantId, key } = await door.addTenant()
    await bounced(tenantId, 'jane+news@example.com', 1)
    await bounced(tenantId, 'jane@example.com', 1)
    for (const query of [
      'jane%2Bnews@example.com',
      'jane+news@example.com',
      'JANE%2bNews@EXAMPLE.com',
    ]) {
      const { json } = await door.call('GET', `${path}?email=${query}`, { key })
      expect(json).toMatchObject({ bounces: [{ email: 'jane+news@example.com' }], total: 1 })
    }
    const { json } = await door.call('GET', `${path}?email=jan@example.com`, { key })
    expect(json).toEqual({ bounces: [], total: 0 })
  })

  test('a stronger bounce that has lapsed is not shown any more, the one that stands is', async () => {
    const { tenantId, key } = await door.addTenant()
    const address = 'full@example.com'
    const daysFromNow = (days: number) => new Date(Date.now() + days * day)
    await bounced(tenantId, address, 20, { until: daysFromNow(-6), reason: 'gone' })
    await bounced(tenantId, address, 10, {
      bounceClass: 'block',
      status: '5.7.1',
      reason: 'old refusal',
      until: daysFromNow(1),
    })
    await bounced(tenantId, address, 9, {
      bounceClass: 'block',
      status: '5.7.2',
      reason: 'refused',
      until: daysFromNow(2),
    })
    // As the hard bounce would have it that has lapsed only since the last change.
    await door.sql`
      update suppression
      set bounce_class = 'hard', status = '5.1.1', reason = 'gone'
      where tenant_id = ${tenantId}`
    const { json } = await door.call('GET', path, { key })
    expect(json).toMatchObject({
      bounces: [{ email: address, bounce_type: 'block', status: '5.7.2', reason: 'refused' }],
    })
  })

  test.each([
    ['limit=0', 'limit'],
    ['limit=501', 'limit'],
    ['limit=abc', 'limit'],
    ['limit=', 'limit'],
    ['limit=1.5', 'limit'],
    ['limit=1&limit=2', 'limit'],
    ['limit=99999999999999999999', 'limit'],
    ['offset=-1', 'offset'],
    ['offset=1e9', 'offset'],
    ['start_time=yesterday', 'start_time'],
    ['start_time=1714060800000', 'start_time'],
    ['end_time=-5', 'end_time'],
    ['email=nobody', 'email'],
    ['email=a%00@example.com', 'email'],
  ])('400 for ?%s', async (query, field) => {
    const { key } = await door.addTenant()
    const reply = await door.call('GET', `${path}?${query}`, { key })
    expect(reply.status).toBe(400)
    expect(reply.json).toMatchObject({
      detail: [{ loc: ['query', field], msg: expect.any(String), type: expect.any(String) }],
      errors: [{ field, message: expect.any(String), help: null }],
    })
  })
})

describe('GET /v3/suppression/bounces/{email}', () => {
  test('200 with every bounce since the address came onto the list, newest first', async () => {
    const { tenantId, key } = await door.addTenant()
    const address = 'twice@example.com'
    const first = await bounced(tenantId, address, 5)
    const second = await bounced(tenantId, address, 2, {
      bounceClass: 'soft',
      status: '5.2.2',
      reason: 'full',
    })
    const { status, json } = await door.call('GET', `${path}/${address}`, { key })
    expect(status).toBe(200)
    const hard = { bounce_type: 'hard', status: '5.1.1', reason: '550 5.1.1 User unknown' }
    expect(json).toEqual([
      {
        email: address,
        created: seconds(second),
        bounce_type: 'soft',
        status: '5.2.2',
        reason: 'full',
      },
      { email: address, created: seconds(first), ...hard },
    ])
  })

  test('what happened before the address was removed is not shown', async () => {
    const { tenantId, key } = await door.addTenant()
    const address = 'again@example.com'
    await bounced(tenantId, address, 5)
    await door.call('DELETE', `${path}/${address}`, { key })
    const since = await bounced(tenantId, address, 1)
    const { json } = await door.call('GET', `${path}/${address}`, { key })
    expect(json).toMatchObject([{ created: seconds(since) }])
    expect(json).toHaveLength(1)
  })

  test('200 with the entry itself when its history is gone', async () => {
    const { tenantId, key } = await door.addTenant()
    const since = await bounced(tenantId, 'old@example.com', 400)
    await door.sql`delete from feedback where tenant_id = ${tenantId}`
    const { json } = await door.call('GET', `${path}/old@example.com`, { key })
    expect(json).toMatchObject([
      { email: 'old@example.com', created: seconds(since), bounce_type: 'hard' },
    ])
  })

  test('404 when the address is not listed', async () => {
    const { key } = await door.addTenant()
    const reply = await door.call('GET', `${path}/nobody@example.com`, { key })
    expect(reply.status).toBe(404)
    expect(reply.json).toEqual({
      detail: 'Not found',
      errors: [{ message: 'Not found', field: null, help: null }],
    })
  })
})

describe('POST /v3/suppression/bounces', () => {
  test('201 with the created record', async () => {
    const { key } = await door.addTenant()
    const before = Math.floor(Date.now() / 1000)
    const reply = await door.call('POST', path, {
      key,
      json: { email: 'Invalid@Example.com', bounce_type: 'block', reason: 'Imported' },
    })
    expect(reply.status).toBe(201)
    const { created, ...record } = reply.json as { created: number }
    expect(record).toEqual({
      email: 'invalid@example.com',
      reason: 'Imported',
      bounce_type: 'block',
      status: null,
    })
    expect(created).toBeGreaterThanOrEqual(before)
    const { json } = await door.call('GET', path, { key })
    expect(json).toEqual({ bounces: [{ created, ...record }], total: 1 })
  })

  test('hard and without a reason when only the address is given', async () => {
    const { key } = await door.addTenant()
    const reply = await door.call('POST', path, { key, json: { email: 'a@example.com' } })
    expect(reply.json).toMatchObject({ bounce_type: 'hard', reason: null, status: null })
  })

  test('a second one is another occurrence of the same address', async () => {
    const { tenantId, key } = await door.addTenant()
    for (const reason of ['one', 'two']) {
      const reply = await door.call('POST', path, { key, json: { email: 'a@example.com', reason } })
      expect(reply.status).toBe(201)
    }
    expect((await door.call('GET', path, { key })).json).toMatchObject({ total: 1 })
    const { json } = await door.call('GET', `${path}/a@example.com`, { key })
    expect(json).toMatchObject([{ reason: 'two' }, { reason: 'one' }])
    const outbox = await door.sql`select change, list from outbox where tenant_id = ${tenantId}`
    expect(outbox).toEqual([{ change: 'added', list: 'bounces' }])
  })

  test('stays until it is removed, whatever its type', async () => {
    const { tenantId, key } = await door.addTenant()
    await door.call('POST', path, { key, json: { email: 'a@example.com', bounce_type: 'soft' } })
    const rows = await door.sql`
      select expires_at, suppresses_until = 'infinity' as suppresses
      from suppression
      where tenant_id = ${tenantId}`
    expect(rows).toEqual([{ expiresAt: null, suppresses: true }])
  })

  test.each([
    [{}, ['body', 'email']],
    [{ email: null }, ['body', 'email']],
    [{ email: 5 }, ['body', 'email']],
    [{ email: 'nobody' }, ['body', 'email']],
    [{ email: 'a@example.com\u0000' }, ['body', 'email']],
    [{ email: '\ud800@example.com' }, ['body', 'email']],
    [{ email: 'a@example.com', bounce_type: 'weird' }, ['body', 'bounce_type']],
    [{ email: 'a@example.com', reason: 7 }, ['body', 'reason']],
    [{ email: 'a@example.com', reason: 'nul\u0000' }, ['body', 'reason']],
    [{ email: 'a@example.com', reason: '\udfff' }, ['body', 'reason']],
    [{ email: 'a@example.com', reason: 'x'.repeat(5_000) }, ['body', 'reason']],
    [[], ['body']],
  ])('400 for %j', async (json, loc) => {
    const { key } = await door.addTenant()
    const reply = await door.call('POST', path, { key, json })
    expect(reply.status).toBe(400)
    expect(reply.json).toMatchObject({ detail: [{ loc }] })
    expect((await door.call('GET', path, { key })).json).toMatchObject({ total: 0 })
  })
})

describe('DELETE /v3/suppression/bounces/{email}', () => {
  test('204 without a body, and the address is off the list while its history stays', async () => {
    const { tenantId, key } = await door.addTenant()
    await bounced(tenantId, 'a@example.com', 1)
    await bounced(tenantId, 'b@example.com', 1)
    const reply = await door.call('DELETE', `${path}/A@example.com`, { key })
    expect([reply.status, reply.text]).toEqual([204, ''])
    expect((await door.call('GET', path, { key })).json).toMatchObject({
      bounces: [{ email: 'b@example.com' }],
      total: 1,
    })
    const history = await door.sql`select 1 from feedback where tenant_id = ${tenantId}`
    expect(history).toHaveLength(2)
    const outbox = await door.sql`
      select change, list, group_id, address from outbox where tenant_id = ${tenantId}`
    expect(outbox).toEqual([
      { change: 'removed', list: 'bounces', groupId: 0, address: 'a@example.com' },
    ])
  })

  test('204 when the address is not listed, and nobody is told', async () => {
    const { tenantId, key } = await door.addTenant()
    const reply = await door.call('DELETE', `${path}/nobody@example.com`, { key })
    expect(reply.status).toBe(204)
    expect(await door.sql`select 1 from outbox where tenant_id = ${tenantId}`).toHaveLength(0)
    expect((await door.call('GET', path, { key })).json).toMatchObject({ total: 0 })
  })
})

describe('DELETE /v3/suppression/bounces', () => {
  test('204 when everything is gone, of this list and this tenant alone', async () => {
    const { tenantId, key } = await door.addTenant()
    const other = await door.addTenant()
    await bounced(other.tenantId, 'a@example.com', 1)
    await door.sql`
      insert into suppression (tenant_id, address, list, created_at, origin, bounce_class)
      select ${tenantId}, 'u' || n || '@example.com', 'bounces', now(), 'import', 'hard'
      from generate_series(1, 4500) as n`
    await door.sql`
      insert into suppression_count (tenant_id, list, group_id, slot, entries)
      values (${tenantId}, 'bounces', 0, 0, 4500)`
    await door.call('POST', '/v3/suppression/spam_reports', {
      key,
      json: { email: 'a@example.com' },
    })
    const reply = await door.call('DELETE', `${path}?delete_all=true`, { key })
    expect(reply.status).toBe(204)
    expect((await door.call('GET', path, { key })).json).toEqual({ bounces: [], total: 0 })
    const spam = await door.call('GET', '/v3/suppression/spam_reports', { key })
    expect(spam.json).toMatchObject({ total: 1 })
    const theirs = await door.call('GET', path, { key: other.key })
    expect(theirs.json).toMatchObject({ total: 1 })
    const [removed] = await door.sql`
      select count(*)::int as count from outbox
      where tenant_id = ${tenantId} and change = 'removed'`
    expect(removed).toEqual({ count: 4500 })
  })

  test.each([
    '',
    '?delete_all=',
    '?delete_all=1',
    '?delete_all=TRUE',
    '?delete_all=false',
    '?delete_all=true&delete_all=true',
    '?delete_all=true&email=a@example.com',
  ])('400 for %j, and nothing is deleted', async (query) => {
    const { tenantId, key } = await door.addTenant()
    await bounced(tenantId, 'a@example.com', 1)
    const reply = await door.call('DELETE', path + query, { key })
    expect(reply.status).toBe(400)
    expect((await door.call('GET', path, { key })).json).toMatchObject({ total: 1 })
  })
})
