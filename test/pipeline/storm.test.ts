import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { signReturnPath } from '../../src/attribute/return-path-token.ts'
import type { SigningKey } from '../../src/attribute/signing-key.ts'
import { tokenDay } from '../../src/attribute/token-day.ts'
import { decideHolds } from '../../src/holds.ts'
import { createMetrics } from '../../src/metrics.ts'
import { revert } from '../../src/revert.ts'
import { bounceOf, createTestPipeline, type TestPipeline } from '../support/pipeline.ts'

const domain = 'bounce.storm.example'
const by = {
  actor: { kind: 'command' as const, id: 'test', name: null },
  reason: null,
  requestId: null,
}
const everything = { from: null, before: null, provider: null }
const hour = 3_600_000
const day = 24 * hour

let now = new Date('2026-12-14T20:00:00Z')
let bench: TestPipeline
let tenantId: number
let key: SigningKey
let tenants = 0

beforeAll(async () => {
  bench = await createTestPipeline(() => now)
})
afterAll(() => bench.close())

beforeEach(async () => {
  now = new Date('2026-12-14T20:00:00Z')
  tenants++
  ;({ tenantId, key } = await bench.addTenant(`storm ${tenants}`))
  await bench.addDomain(`${tenants}.${domain}`, tenantId, 'signed')
  await bench.sql`update tenant set storm_floor = 20 where tenant_id = ${tenantId}`
})

/** What a week without any trouble leaves behind. */
async function haveQuietWeek(): Promise<void> {
  await haveReportFrom(new Date(now.getTime() - 6 * day))
  await bench.sql`
    insert into bounce_rate (tenant_id, hour, provider, slot, believed)
    select ${tenantId}::int, hour, 'google', 0, 1
    from generate_series(
      ${new Date(now.getTime() - 6 * day)}::timestamptz,
      ${new Date(now.getTime() - hour)}::timestamptz, '1 hour') as hour`
}

/** The first one about this tenant. */
async function haveReportFrom(reportedAt: Date): Promise<void> {
  await bench.sql`
    insert into feedback (
      tenant_id, feedback_id, kind, recipient, reported_at, origin, bounce_class, status)
    values (${tenantId}, '00000000-0000-7000-8000-000000000000', 'bounce', 'first@example.com',
      ${reportedAt}, 'report', 'soft', '4.2.2')`
}

let serial = 0

/** No two of them have the same bytes, nor the same token. */
async function bounce(
  names: readonly string[],
  { mta = 'gmail-smtp-in.l.google.com', status = '5.1.1', to = bench.pipeline } = {},
): Promise<void> {
  await Promise.all(
    names.map(async (name) => {
      const recipient = `${name}@example.com`
      const messageReference = String(++serial).padStart(16, '0')
      const at = `${tenants}.${domain}`
      const claims = { domain: at, recipient, messageReference, day: tokenDay(now) }
      const report = bounceOf([{ to: recipient, status }], { fields: `X-Serial: ${serial}` })
      const rcptTo = `${signReturnPath(key, claims)}@${at}`
      await bench.deliver(report.replace('mx.example.org', mta), rcptTo, to)
    }),
  )
}

async function listed(): Promise<string[]> {
  const rows = await bench.sql`
    select address from suppression where tenant_id = ${tenantId} order by address`
  return rows.map(({ address }) => String(address).split('@')[0] ?? '')
}

async function held(): Promise<number> {
  const rows = await bench.sql`
    select 1 from feedback where tenant_id = ${tenantId} and withdrawn_by = 'storm'`
  return rows.length
}

function people(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, n) => `${prefix}${String(n).padStart(3, '0')}`)
}

describe('far more hard bounces than usual', () => {
  test('the surplus is recorded and held back; one command drops it', async () => {
    await haveQuietWeek()
    await bounce(people('user', 60))
    expect(await listed()).toHaveLength(20)
    expect(await held()).toBe(40)
    const dropped = await decideHolds(bench.db, tenantId, everything, 'drop', by)
    expect(dropped).toEqual({ reports: 40, addresses: 0 })
    expect([(await listed()).length, await held()]).toEqual([20, 0])
    const [audit] = await bench.sql`
      select action, entries from audit_entry where tenant_id = ${tenantId}`
    expect(audit).toMatchObject({ action: 'hold.drop', entries: 40 })
  })

  test('or applies it: everybody is listed, and the outbox told as if it had been at once', async () => {
    await haveQuietWeek()
    await bounce(people('user', 60))
    const applied = await decideHolds(bench.db, tenantId, everything, 'apply', by)
    expect(applied).toEqual({ reports: 40, addresses: 40 })
    expect(await listed()).toEqual(people('user', 60))
    const told = await bench.sql`
      select change, count(*)::int as events
      from outbox where tenant_id = ${tenantId} group by change order by change`
    expect([...told]).toEqual([
      { change: 'added', events: 60 },
      { change: 'feedback', events: 60 },
    ])
    const again = await decideHolds(bench.db, tenantId, everything, 'apply', by)
    expect(again).toEqual({ reports: 0, addresses: 0 })
  })

  test('a storm of one provider holds nothing of the others back', async () => {
    await haveQuietWeek()
    await bounce(people('google', 60))
    await bounce(people('other', 5), { mta: 'mx.example.net' })
    expect(await held()).toBe(40)
    expect((await listed()).filter((name) => name.startsWith('other'))).toHaveLength(5)
    const filter = { ...everything, provider: 'google' }
    expect(await decideHolds(bench.db, tenantId, filter, 'drop', by)).toMatchObject({ reports: 40 })
  })

  test('of many providers together is a storm too', async () => {
    await haveQuietWeek()
    for (let n = 0; n < 10; n++) await bounce(people(`mx${n}-`, 4), { mta: `mx.mx${n}.net` })
    expect([(await listed()).length, await held()]).toEqual([20, 20])
  })

  test('soft bounces are never held back', async () => {
    await haveQuietWeek()
    await bounce(people('user', 40), { status: '4.2.2' })
    expect([(await listed()).length, await held()]).toEqual([40, 0])
  })

  test('after a week without any report as well', async () => {
    await haveReportFrom(new Date(now.getTime() - 60 * day))
    await bounce(people('user', 60))
    expect([(await listed()).length, await held()]).toEqual([20, 40])
  })

  test('what was held back is counted and logged once, though the batch had to be written anew', async () => {
    await haveQuietWeek()
    const metrics = createMetrics()
    const to = bench.another({ metrics })
    await bench.sql`
      alter table feedback add constraint unlucky check (recipient <> 'user050@example.com')
        not valid`
    await bounce(people('user', 60), { to })
    await bench.sql`alter table feedback drop constraint unlucky`
    const rows = await held()
    expect((await metrics.heldReports.get()).values).toMatchObject([{ value: rows }])
    const [counted] = await bench.sql`
      select sum(believed)::int as believed from bounce_rate
      where tenant_id = ${tenantId} and hour = ${now}`
    expect(counted).toEqual({ believed: 59 - rows })
  })

  test('the next hour begins anew', async () => {
    await haveQuietWeek()
    await bounce(people('first', 30))
    now = new Date('2026-12-14T21:00:01Z')
    await bounce(people('second', 5))
    expect([(await listed()).length, await held()]).toEqual([25, 10])
  })
})

describe('what is usual', () => {
  /** A mailing of every week that brings many. */
  const mailing = 50
  const weekLater = () => {
    now = new Date(now.getTime() + 7 * day)
  }

  test('is learned from what an operator applies', async () => {
    await haveReportFrom(new Date(now.getTime() - 30 * day))
    await bounce(people('first', mailing))
    await decideHolds(bench.db, tenantId, everything, 'apply', by)
    weekLater()
    await bounce(people('second', mailing))
    expect([(await listed()).length, await held()]).toEqual([2 * mailing, 0])
  })

  test('is not learned from what an operator takes back', async () => {
    await bounce(people('first', mailing))
    const wave = { provider: 'google', since: now, before: new Date(now.getTime() + hour) }
    for await (const _ of revert(bench.db, tenantId, wave, { by, isRestored: false, now: later })) {
      // One chunk after the other.
    }
    expect(await listed()).toEqual([])
    weekLater()
    await bounce(people('second', mailing))
    expect([(await listed()).length, await held()]).toEqual([20, mailing - 20])
  })

  const later = () => new Date(now.getTime() + 10 * 60_000)
})

describe('nothing is held back', () => {
  test('of others because of one person with as many tokens as he likes', async () => {
    await haveQuietWeek()
    for (let n = 0; n < 30; n++) await bounce(['forger'], { mta: 'gmail-smtp-in.l.google.com' })
    await bounce(Array.from({ length: 30 }, () => 'forger'))
    await bounce(people('user', 15))
    expect([(await listed()).length, await held()]).toEqual([16, 0])
  })

  test('and nothing deferred, when the figures cannot be read', async () => {
    await haveQuietWeek()
    await bench.sql`alter table tenant rename column storm_floor to lost`
    await bounce(people('user', 60), { to: bench.another() })
    await bench.sql`alter table tenant rename column lost to storm_floor`
    expect([(await listed()).length, await held()]).toEqual([60, 0])
  })

  test('of a tenant whose usual is not known yet', async () => {
    await bounce(people('user', 60))
    expect([(await listed()).length, await held()]).toEqual([60, 0])
  })

  test('where the tenant does not want it', async () => {
    await haveQuietWeek()
    await bench.sql`update tenant set storm_factor = 0 where tenant_id = ${tenantId}`
    await bounce(people('user', 60))
    expect([(await listed()).length, await held()]).toEqual([60, 0])
  })

  test('and few rows are written, however many batches there are', async () => {
    for (const name of people('user', 20)) await bounce([name])
    const rows = await bench.sql`select 1 from bounce_rate where tenant_id = ${tenantId}`
    expect(rows.length).toBeLessThanOrEqual(2)
  })

  test('of what is usual here', async () => {
    await haveQuietWeek()
    await bench.sql`
      update bounce_rate set believed = 100 where tenant_id = ${tenantId}`
    await bounce(people('user', 60))
    expect([(await listed()).length, await held()]).toEqual([60, 0])
  })
})
