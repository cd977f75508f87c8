import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { signReturnPath } from '../../src/attribute/return-path-token.ts'
import type { SigningKey } from '../../src/attribute/signing-key.ts'
import { tokenDay } from '../../src/attribute/token-day.ts'
import { decideHolds } from '../../src/holds.ts'
import { bounceOf, createTestPipeline, type TestPipeline } from '../support/pipeline.ts'

const domain = 'bounce.storm.example'
const by = {
  actor: { kind: 'command' as const, id: 'test', name: null },
  reason: null,
  requestId: null,
}
const everything = { from: null, before: null, provider: null }

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
  await bench.sql`
    insert into bounce_rate (tenant_id, hour, provider, slot, believed, held)
    select ${tenantId}::int, hour, 'google', 0, 1, 0
    from generate_series(
      ${new Date(now.getTime() - 6 * 86_400_000)}::timestamptz,
      ${new Date(now.getTime() - 3_600_000)}::timestamptz, '1 hour') as hour`
}

async function bounce(
  names: readonly string[],
  { mta = 'gmail-smtp-in.l.google.com', status = '5.1.1' } = {},
): Promise<void> {
  await Promise.all(
    names.map(async (name) => {
      const recipient = `${name}@example.com`
      const day = tokenDay(now)
      const at = `${tenants}.${domain}`
      const local = signReturnPath(key, { domain: at, recipient, messageReference: null, day })
      const report = bounceOf([{ to: recipient, status }])
      await bench.deliver(report.replace('mx.example.org', mta), `${local}@${at}`)
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

  test('what one provider does holds nothing of another back, below the sum', async () => {
    await haveQuietWeek()
    await bench.sql`
      insert into bounce_rate (tenant_id, hour, provider, slot, believed, held)
      values (${tenantId}, ${new Date(now.getTime() - 3_600_000)}, 'yahoo', 1, 1500, 0)`
    await bounce(people('google', 30))
    await bounce(people('other', 5), { mta: 'mx.example.net' })
    expect(await held()).toBe(10)
    expect((await listed()).filter((name) => name.startsWith('other'))).toHaveLength(5)
    const filter = { ...everything, provider: 'google' }
    expect(await decideHolds(bench.db, tenantId, filter, 'drop', by)).toMatchObject({ reports: 10 })
  })

  test('soft bounces are never held back', async () => {
    await haveQuietWeek()
    await bounce(people('user', 40), { status: '4.2.2' })
    expect([(await listed()).length, await held()]).toEqual([40, 0])
  })

  test('the next hour begins anew', async () => {
    await haveQuietWeek()
    await bounce(people('first', 30))
    now = new Date('2026-12-14T21:00:01Z')
    await bounce(people('second', 5))
    expect([(await listed()).length, await held()]).toEqual([25, 10])
  })
})

describe('nothing is held back', () => {
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

  test('of what is usual here', async () => {
    await haveQuietWeek()
    await bench.sql`
      update bounce_rate set believed = 100 where tenant_id = ${tenantId}`
    await bounce(people('user', 60))
    expect([(await listed()).length, await held()]).toEqual([60, 0])
  })
})
