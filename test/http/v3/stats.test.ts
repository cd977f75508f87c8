import { uuidv7 } from 'uuidv7'
import { beforeAll, describe, expect, test } from 'vitest'
import { countFigures } from '../../../src/sweeper.ts'
import { addInboundDomain } from '../../../src/tenant/inbound-domains.ts'
import { bounceOf, complaintAbout } from '../../support/pipeline.ts'
import { type Reply, useDoor } from '../door.ts'

const door = useDoor()
const path = '/v3/stats'
let shop: { tenantId: number; key: string }
let stranger: { tenantId: number; key: string }

/** Later than the migration, so that figures are counted ahead from here on. */
const monday = new Date(Math.ceil(Date.now() / 86_400_000) * 86_400_000 + 86_400_000)
const dayAfter = (days: number) => new Date(monday.getTime() + days * 86_400_000)
const dayOf = (date: Date) => date.toISOString().slice(0, 10)
const [first, second, third] = [dayOf(monday), dayOf(dayAfter(1)), dayOf(dayAfter(2))]

beforeAll(async () => {
  shop = await door.addTenant()
  stranger = await door.addTenant()
  const open = { domain: 'open.test', tenantId: shop.tenantId, accepts: 'any' } as const
  await addInboundDomain(door.sql, { ...open, roleAddresses: [] })
  await deliver(monday, bounceOf([{ to: 'a@example.com' }, { to: 'b@example.org' }]))
  await deliver(monday, bounceOf([{ to: 'c@example.com', status: '5.2.2', text: 'Mailbox full' }]))
  await deliver(new Date(dayAfter(1).getTime() - 1), bounceOf([{ to: 'd@example.com' }]))
  await deliver(dayAfter(1), complaintAbout('a@example.com'))
  await deliver(dayAfter(2), bounceOf([{ to: 'e@Example.COM' }]))
  const json = { email: 'byhand@example.com' }
  await door.call('POST', '/v3/suppression/bounces', { key: shop.key, json })
})

async function deliver(receivedAt: Date, raw: string): Promise<void> {
  door.setNow(receivedAt)
  const envelope = {
    mailFrom: '',
    rcptTo: ['bounces@open.test'],
    helo: 'mx.example.net',
    remoteAddress: '192.0.2.1',
    tls: false,
  }
  const message = { id: uuidv7(), receivedAt, envelope, raw: Buffer.from(raw) }
  expect(await door.pipeline.processMessage(message)).toMatchObject([{ result: 'recorded' }])
}

const ask = (query: string, { key } = shop): Promise<Reply> =>
  door.call('GET', `${path}?${query}`, { key })

async function stats(query: string, tenant = shop): Promise<unknown> {
  const { status, json } = await ask(query, tenant)
  expect(status).toBe(200)
  return (json as { stats: unknown }).stats
}

describe.each(['now', 'ahead'])('GET /v3/stats, counted %s', (when) => {
  beforeAll(async () => {
    if (when === 'now') return
    const wednesday = dayAfter(2).getTime() + 3_600_000
    for (const minutes of [60, 120, 240]) {
      for (let days = 0; days < 5; days++) {
        await countFigures(door.db, new Date(wednesday + minutes * 60_000))
      }
    }
    expect(await door.sql`select 1 from daily_figure`).not.toHaveLength(0)
  })

  test('by day, kind and type of bounce when nothing else is asked for', async () => {
    const reply = await ask(`start_date=${first}&end_date=${third}`)
    expect(reply.json).toEqual({
      start_date: first,
      end_date: third,
      stats: [
        { day: first, kind: 'bounce', bounce_type: 'hard', count: 3 },
        { day: first, kind: 'bounce', bounce_type: 'soft', count: 1 },
        { day: second, kind: 'spam-report', bounce_type: null, count: 1 },
        { day: third, kind: 'bounce', bounce_type: 'hard', count: 1 },
      ],
    })
  })

  test('of the last thirty days when no day is named', async () => {
    expect(await stats('by=kind')).toEqual([
      { kind: 'bounce', count: 5 },
      { kind: 'spam-report', count: 1 },
    ])
  })

  test('by what is asked for, in this order, under its own name', async () => {
    const days = `start_date=${first}&end_date=${first}`
    expect(await stats(`${days}&by=domain,reason`)).toEqual([
      { domain: 'example.com', classification: 'mailbox-full', count: 1 },
      { domain: 'example.com', classification: 'user-unknown', count: 2 },
      { domain: 'example.org', classification: 'user-unknown', count: 1 },
    ])
    expect(await stats(`${days}&by=class`)).toEqual([
      { bounce_type: 'hard', count: 3 },
      { bounce_type: 'soft', count: 1 },
    ])
  })

  test('with what was added by hand only where it is asked for', async () => {
    const days = `start_date=${first}&end_date=${third}&by=origin`
    expect(await stats(days)).toEqual([{ origin: 'report', count: 6 }])
    expect(await stats(`${days}&origin=api`)).toEqual([{ origin: 'api', count: 1 }])
    expect(await stats(`${days}&origin=all`)).toEqual([
      { origin: 'api', count: 1 },
      { origin: 'report', count: 6 },
    ])
  })

  test('nothing for days of nothing, days to come and other tenants', async () => {
    const [lastYear, nextYear] = [dayOf(dayAfter(-300)), dayOf(dayAfter(65))]
    expect(await stats(`start_date=${lastYear}&end_date=${dayOf(dayAfter(-1))}`)).toEqual([])
    expect(await stats(`start_date=${dayOf(dayAfter(3))}&end_date=${nextYear}`)).toEqual([])
    expect(await stats(`start_date=${first}`, stranger)).toEqual([])
  })
})

describe('GET /v3/stats', () => {
  test('366 days, and not one more', async () => {
    expect(await stats('start_date=2024-01-01&end_date=2024-12-31')).toEqual([])
    const tooLong = await ask('start_date=2024-01-01&end_date=2025-01-01')
    expect([tooLong.status, tooLong.json]).toMatchObject([
      400,
      { detail: 'At most 366 days at once' },
    ])
  })

  test('400 when there are more rows than an answer may have, with the way out', async () => {
    await door.sql`
      insert into feedback (tenant_id, feedback_id, kind, recipient, reported_at, origin)
      select ${stranger.tenantId}, gen_random_uuid(), 'bounce', 'a@d' || n || '.example',
        ${new Date(dayAfter(3).getTime() - 1)},
        'report'
      from generate_series(1, 10001) as n`
    const many = await ask(`start_date=${third}&by=domain`, stranger)
    expect([many.status, many.json]).toMatchObject([
      400,
      { detail: expect.stringContaining('ask for fewer days'), errors: [{ field: 'by' }] },
    ])
    expect(await stats(`start_date=${third}&by=day`, stranger)).toEqual([
      { day: third, count: 10_001 },
    ])
  })

  test.each([
    'start_date=yesterday',
    'start_date=2026-02-30',
    'start_date=2026-2-3',
    'start_date=0000-01-01',
    'start_date=1969-12-31',
    'start_date=2026-01-01T00:00:00Z',
    'start_date=2026-01-02&end_date=2026-01-01',
    'start_date=2026-01-01&start_date=2026-01-02',
    'end_date=+002026-01-01',
    'by=',
    'by=day,',
    'by=day;kind',
    'by=constructor',
    'by=tenant_id',
    'origin=',
    'origin=nobody',
  ])('400 for %s', async (query) => {
    expect((await ask(query)).status).toBe(400)
  })
})
