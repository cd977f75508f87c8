import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expire } from '../../src/sweeper.ts'
import {
  bounceOf,
  complaintAbout,
  createTestPipeline,
  type TestPipeline,
} from '../support/pipeline.ts'

const day = 86_400_000
const start = new Date('2026-11-21T10:00:00Z')
let now = start
let t: TestPipeline
let tenantId: number

beforeAll(async () => {
  t = await createTestPipeline(() => now)
  tenantId = (await t.addTenant('acme')).tenantId
  await t.addDomain('bounces.test', tenantId, 'any')
})
afterAll(() => t.close())

const to = 'bounces@bounces.test'

async function listed(address: string) {
  return t.sql`
    select list, bounce_class, status, reason, expires_at, created_at, origin,
      nullif(suppresses_until, 'infinity') as suppresses_until,
      suppresses_until = 'infinity' as for_ever
    from suppression
    where tenant_id = ${tenantId} and address = ${address}
    order by list`
}

async function total(list: string): Promise<number> {
  const [row] = await t.sql`
    select coalesce(sum(entries), 0)::int as total
    from suppression_count
    where tenant_id = ${tenantId} and list = ${list}`
  return row?.['total']
}

describe('a delivery status notification', () => {
  test('puts each failed recipient onto the bounce list, with its own class', async () => {
    const outcomes = await t.deliver(
      bounceOf([
        { to: 'Hard@Example.com' },
        { to: 'full@example.com', status: '5.2.2', text: 'Mailbox full' },
        { to: 'late@example.com', action: 'delayed', status: '4.4.1', text: 'timed out' },
      ]),
      to,
    )
    expect(outcomes).toMatchObject([{ result: 'recorded' }])
    expect(await listed('hard@example.com')).toMatchObject([
      {
        list: 'bounces',
        bounceClass: 'hard',
        status: '5.1.1',
        reason: '550 5.1.1 User unknown',
        expiresAt: null,
        forEver: true,
        origin: 'report',
      },
    ])
    expect(await listed('full@example.com')).toMatchObject([
      { bounceClass: 'soft', status: '5.2.2', expiresAt: new Date(start.getTime() + 14 * day) },
    ])
    expect(await listed('late@example.com')).toEqual([])
    expect(await total('bounces')).toBe(2)
  })

  test('means the address that was written to where an alias was rewritten', async () => {
    await t.deliver(bounceOf([{ to: 'forwarded@example.net', original: 'alias@example.com' }]), to)
    expect(await listed('alias@example.com')).toHaveLength(1)
    expect(await listed('forwarded@example.net')).toEqual([])
  })

  test('with nothing but delays, successes and relays changes no list', async () => {
    const actions = ['delayed', 'delivered', 'relayed', 'expanded']
    const report = bounceOf(
      actions.map((action) => ({ to: `${action}@example.com`, action, status: '2.0.0' })),
    )
    expect(await t.deliver(report, to)).toEqual([{ result: 'ignored', reason: 'not-failed' }])
    for (const action of actions) expect(await listed(`${action}@example.com`)).toEqual([])
  })

  test('keeps its parsed report, and its bytes only when the rules do not know the text', async () => {
    await t.deliver(bounceOf([{ to: 'known@example.com' }]), to)
    await t.deliver(
      bounceOf([{ to: 'odd@example.com', status: '5.0.0', text: 'Zwölf Boxkämpfer jagen' }]),
      to,
    )
    const kept = await t.sql`
      select f.recipient, r.raw is not null as has_raw, m.report ->> 'type' as type
      from feedback as f
      join received_message as m using (tenant_id, received_message_id)
      left join raw_message as r using (tenant_id, mail_id)
      where f.recipient in ('known@example.com', 'odd@example.com')
      order by f.recipient`
    expect([...kept]).toEqual([
      { recipient: 'known@example.com', hasRaw: false, type: 'delivery-status' },
      { recipient: 'odd@example.com', hasRaw: true, type: 'delivery-status' },
    ])
  })
})

describe('a later bounce', () => {
  const soft = (address: string) => bounceOf([{ to: address, status: '5.2.2', text: 'full' }])
  const block = (address: string) =>
    bounceOf([{ to: address, status: '5.7.1', text: 'blocked using a DNS blocklist' }])

  test('never weakens an earlier one', async () => {
    now = start
    await t.deliver(bounceOf([{ to: 'was-hard@example.com' }]), to)
    now = new Date(start.getTime() + day)
    await t.deliver(soft('was-hard@example.com'), to)
    expect(await listed('was-hard@example.com')).toMatchObject([
      { bounceClass: 'hard', status: '5.1.1', expiresAt: null, createdAt: start },
    ])
  })

  test('prolongs, and the longer of two times counts', async () => {
    now = start
    await t.deliver(soft('prolonged@example.com'), to)
    now = new Date(start.getTime() + 2 * day)
    await t.deliver(block('prolonged@example.com'), to)
    expect(await listed('prolonged@example.com')).toMatchObject([
      { bounceClass: 'soft', expiresAt: new Date(start.getTime() + 14 * day) },
    ])
    now = new Date(start.getTime() + 13 * day)
    await t.deliver(`Date: later\r\n${block('prolonged@example.com')}`, to)
    expect(await listed('prolonged@example.com')).toMatchObject([
      { bounceClass: 'soft', expiresAt: new Date(start.getTime() + 16 * day), createdAt: start },
    ])
  })

  test('makes a soft entry hard, for good', async () => {
    now = start
    await t.deliver(soft('worse@example.com'), to)
    await t.deliver(bounceOf([{ to: 'worse@example.com' }]), to)
    expect(await listed('worse@example.com')).toMatchObject([
      { bounceClass: 'hard', expiresAt: null, forEver: true },
    ])
  })

  test('of the same batch is merged in the same way', async () => {
    now = start
    const before = await total('bounces')
    const to3 = [1, 2, 3].map(async (n) =>
      t.deliver(
        `X-Copy: ${n}\r\n${n === 2 ? bounceOf([{ to: 'batch@example.com' }]) : soft('batch@example.com')}`,
        to,
      ),
    )
    await Promise.all(to3)
    expect(await listed('batch@example.com')).toMatchObject([{ bounceClass: 'hard' }])
    expect(await total('bounces')).toBe(before + 1)
  })
})

describe('settings of the tenant', () => {
  test('0 days: listed, but mail still goes out; null: until removed', async () => {
    now = start
    await t.sql`
      update tenant set block_bounce_days = 0, soft_bounce_days = null
      where tenant_id = ${tenantId}`
    await t.deliver(
      bounceOf([
        { to: 'listed-only@example.com', status: '5.7.1', text: 'blocked using a DNS blocklist' },
        { to: 'soft-for-ever@example.com', status: '5.2.2', text: 'full' },
      ]),
      to,
    )
    expect(await listed('listed-only@example.com')).toMatchObject([
      { bounceClass: 'block', expiresAt: null, suppressesUntil: null, forEver: null },
    ])
    expect(await listed('soft-for-ever@example.com')).toMatchObject([
      { bounceClass: 'soft', expiresAt: null, forEver: true },
    ])
    await t.sql`
      update tenant set block_bounce_days = 3, soft_bounce_days = 14
      where tenant_id = ${tenantId}`
  })
})

describe('a feedback report', () => {
  test.each(['abuse', 'fraud', 'virus'])('of type %s is a spam report', async (type) => {
    await t.deliver(complaintAbout(`${type}@example.com`, type), to)
    expect(await listed(`${type}@example.com`)).toMatchObject([
      { list: 'spam_reports', expiresAt: null, forEver: true },
    ])
  })

  test.each(['not-spam', 'auth-failure', 'something-new'])(
    'of type %s changes no list',
    async (type) => {
      expect(await t.deliver(complaintAbout(`${type}@example.com`, type), to)).toEqual([
        { result: 'ignored', reason: 'not-abuse' },
      ])
      expect(await listed(`${type}@example.com`)).toEqual([])
    },
  )

  test('of type opt-out is an unsubscribe', async () => {
    await t.deliver(complaintAbout('leaver@example.com', 'opt-out'), to)
    expect(await listed('leaver@example.com')).toMatchObject([{ list: 'global_unsubscribes' }])
  })
})

test('what expires leaves list and count, is an event, and its history stays', async () => {
  now = start
  await t.deliver(bounceOf([{ to: 'passing@example.com', status: '5.2.2', text: 'full' }]), to)
  const before = await total('bounces')
  await expire(t.db, new Date(start.getTime() + 13 * day))
  expect(await listed('passing@example.com')).toHaveLength(1)
  await expire(t.db, new Date(start.getTime() + 20 * day))
  expect(await listed('passing@example.com')).toEqual([])
  expect(await total('bounces')).toBeLessThan(before)
  const [counted] = await t.sql`
    select count(*)::int as rows from suppression
    where tenant_id = ${tenantId} and list = 'bounces'`
  expect(counted?.['rows']).toBe(await total('bounces'))
  const history = await t.sql`
    select change from outbox where address = 'passing@example.com' order by outbox_id`
  expect(history.map(({ change }) => change)).toEqual(['feedback', 'added', 'expired'])
  expect(await t.sql`select 1 from feedback where recipient = 'passing@example.com'`).toHaveLength(
    1,
  )
})
