import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createMetrics } from '../../src/metrics.ts'
import { bounceOf, createTestPipeline, type TestPipeline } from '../support/pipeline.ts'

let t: TestPipeline

beforeAll(async () => {
  t = await createTestPipeline()
  const { tenantId } = await t.addTenant('acme')
  await t.addDomain('bounces.test', tenantId, 'any')
  // PostgreSQL refuses a bounce of refuse-SQLSTATE@example.com with that SQLSTATE.
  await t.sql.unsafe(`
    create function refuse() returns trigger language plpgsql as $$
    declare state text := substring(new.report::text from 'refuse-([0-9A-Za-z]{5})@');
    begin
      if state is not null then raise exception 'refused' using errcode = upper(state); end if;
      return new;
    end $$;
    create trigger refuse before insert on received_message for each row execute function refuse()`)
})
afterAll(() => t.close())

const to = 'bounces@bounces.test'

async function stored(address: string): Promise<number> {
  const rows = await t.sql`select 1 from suppression where address = ${address}`
  return rows.length
}

describe('a message that PostgreSQL refuses', () => {
  test.each(['22021', '22P05', '22008', '23502', '23514', '54000'])(
    'with SQLSTATE %s is quarantined whole, and those beside it are recorded',
    async (state) => {
      const poison = bounceOf([{ to: `refuse-${state}@example.com` }])
      const before = Array.from(
        { length: 5 },
        (_, n) => `before-${state.toLowerCase()}-${n}@example.com`,
      )
      const after = Array.from(
        { length: 6 },
        (_, n) => `after-${state.toLowerCase()}-${n}@example.com`,
      )
      const outcomes = await Promise.all([
        ...before.map((address) => t.deliver(bounceOf([{ to: address }]), to)),
        t.deliver(poison, to),
        ...after.map((address) => t.deliver(bounceOf([{ to: address }]), to)),
      ])
      expect(outcomes[5]).toEqual([{ result: 'quarantined', reason: 'unstorable' }])
      for (const address of [...before, ...after]) expect(await stored(address)).toBe(1)
      const [kept] = await t.sql<{ raw: Buffer; report: unknown }[]>`
        select r.raw, m.report
        from received_message as m
        join raw_message as r using (tenant_id, mail_id)
        where m.outcome = 'quarantined' and position(${`refuse-${state}@`}::bytea in r.raw) > 0`
      expect(kept?.raw.toString()).toBe(poison)
      expect(kept?.report).toBeNull()
      expect(await t.deliver(poison, to)).toEqual([{ result: 'duplicate' }])
    },
  )

  test('with 23505 is a duplicate', async () => {
    const report = bounceOf([{ to: 'refuse-23505@example.com' }])
    expect(await t.deliver(report, to)).toEqual([{ result: 'duplicate' }])
  })

  test.each([
    ['08006', 'outage'],
    ['25006', 'outage'],
    ['40001', 'outage'],
    ['40P01', 'outage'],
    ['53100', 'outage'],
    ['57014', 'outage'],
    ['58030', 'outage'],
    ['42P01', 'defect'],
    ['XX000', 'defect'],
  ])(
    'with SQLSTATE %s is not acknowledged, nor stored, and counted as %s',
    async (state, failure) => {
      const metrics = createMetrics()
      const pipeline = t.another({ metrics })
      const report = bounceOf([{ to: `refuse-${state}@example.com` }])
      await expect(t.deliver(report, to, pipeline)).rejects.toThrow('refused')
      const counted = await metrics.storageFailures.get()
      expect(counted.values).toMatchObject([{ labels: { failure }, value: 1 }])
      expect(
        await t.sql`select 1 from received_message where report::text like ${`%refuse-${state}@%`}`,
      ).toHaveLength(0)
    },
  )
})

describe('values that PostgreSQL could choke on', () => {
  test.each([
    ['NUL', 'a\0b'],
    ['a lone surrogate', Buffer.from([0xed, 0xa0, 0x80]).toString('latin1')],
    ['bytes that are no UTF-8', Buffer.from([0xff, 0xfe, 0x81]).toString('latin1')],
    ['an endless line', 'x'.repeat(100_000)],
    ['a date of the year 275760', 'Sat, 13 Sep 275760 00:00:01 +0000'],
  ])('%s in the report is stored or quarantined, never refused', async (name, text) => {
    const address = `odd-${name.replaceAll(/\W/g, '')}@example.com`
    const report = bounceOf([{ to: address, text }], { fields: `Arrival-Date: ${text}` })
    const outcomes = await t.deliver(Buffer.from(report, 'latin1'), to)
    expect(['recorded', 'quarantined']).toContain(outcomes[0]?.result)
  })

  test('in the envelope too', async () => {
    const [outcome] = await t.pipeline.processMessage({
      id: '00000000-0000-7000-8000-000000000001',
      receivedAt: new Date(),
      envelope: {
        mailFrom: 'a\0\ud800@example.com',
        rcptTo: [to],
        helo: `\0${'h'.repeat(5_000)}`,
        remoteAddress: '192.0.2.1',
        tls: true,
      },
      raw: Buffer.from(bounceOf([{ to: 'envelope@example.com' }])),
    })
    expect(outcome?.result).toBe('recorded')
  })

  test('an address of 3 kB is nobody’s', async () => {
    const report = bounceOf([{ to: `${'x'.repeat(3_000)}@example.com` }])
    expect(await t.deliver(report, to)).toMatchObject([{ result: 'unattributed' }])
  })
})

describe('redelivery', () => {
  const relayed = (relay: string, report: string) =>
    `Return-Path: <>\r\nReceived: from ${relay} by mx.example.net; Sat, 21 Nov 2026 10:00:00 +0000\r\n${report}`

  test('of the same bytes, one after the other, at once, and over two relays: one row', async () => {
    const report = bounceOf([{ to: 'again@example.com' }])
    const second = t.another()
    const outcomes = await Promise.all([
      t.deliver(report, to),
      t.deliver(report, to),
      t.deliver(relayed('relay-a.example', report), to, second),
      t.deliver(relayed('relay-b.example', report), to, second),
    ])
    outcomes.push(await t.deliver(relayed('relay-c.example', report), to))
    const results = outcomes.flatMap((each) => each.map(({ result }) => result))
    expect(results.sort()).toEqual(['duplicate', 'duplicate', 'duplicate', 'duplicate', 'recorded'])
    expect(await t.sql`select 1 from feedback where recipient = 'again@example.com'`).toHaveLength(
      1,
    )
    expect(
      await t.sql`select 1 from outbox where address = 'again@example.com' and change = 'added'`,
    ).toHaveLength(1)
  })

  test('a forged message with the same Message-ID does not take its place', async () => {
    const id = 'Message-ID: <same@mx.example.net>'
    await t.deliver(bounceOf([{ to: 'decoy@example.com' }], { fields: id }), to)
    await t.deliver(bounceOf([{ to: 'genuine@example.com' }], { fields: id }), to)
    expect(await stored('genuine@example.com')).toBe(1)
  })

  test('to several recipients is told apart for each', async () => {
    const report = bounceOf([{ to: 'several@example.com' }])
    const first = await t.deliver(report, [to, 'fbl@bounces.test'])
    expect(first.map(({ result }) => result)).toEqual(['recorded', 'recorded'])
    const again = await t.deliver(report, [to, 'other@bounces.test'])
    expect(again.map(({ result }) => result)).toEqual(['duplicate', 'recorded'])
  })
})

describe('what would be too much at once', () => {
  test('a report on more recipients than anybody writes to is kept for an operator', async () => {
    const many = Array.from({ length: 5_001 }, (_, n) => ({ to: `many-${n}@example.com` }))
    expect(await t.deliver(bounceOf(many), to)).toEqual([
      { result: 'quarantined', reason: 'too-many-recipients' },
    ])
    expect(await stored('many-0@example.com')).toBe(0)
  })

  test('the same recipients in many reports at once are one entry each', async () => {
    const recipients = Array.from({ length: 50 }, (_, n) => ({ to: `crowd-${n}@example.com` }))
    const reports = Array.from({ length: 100 }, (_, n) =>
      bounceOf(recipients, { fields: `Message-ID: <crowd-${n}@mx.example.net>` }),
    )
    const outcomes = await Promise.all(reports.map((report) => t.deliver(report, to)))
    expect(new Set(outcomes.flat().map(({ result }) => result))).toEqual(new Set(['recorded']))
    expect(await stored('crowd-7@example.com')).toBe(1)
    const history = await t.sql`select 1 from feedback where recipient = 'crowd-7@example.com'`
    expect(history).toHaveLength(100)
  })

  test('20 MB for several addresses are kept once', async () => {
    const junk = Buffer.alloc(20 * 1024 * 1024, 'a\r\n')
    const addresses = ['bounces', 'fbl', 'abuse', 'postmaster', 'feedback', 'bounce', 'unsubscribe']
    const outcomes = await t.deliver(
      junk,
      addresses.map((name) => `${name}@bounces.test`),
    )
    expect(outcomes.every(({ result }) => result === 'quarantined')).toBe(true)
    const kept = await t.sql`select 1 from raw_message where length(raw) = ${junk.length}`
    expect(kept).toHaveLength(1)
  })
})

test('any bytes end in exactly one row, and the reader never fails', async () => {
  const count = async () => {
    const [row] = await t.sql`select count(*)::int as rows from received_message`
    return row?.['rows'] as number
  }
  const before = await count()
  const inputs = Array.from({ length: 60 }, (_, seed) =>
    Buffer.from(Array.from({ length: seed * 7 }, (_, at) => (at * 31 + seed * 17) % 256)),
  )
  const outcomes = await Promise.all(inputs.map((raw) => t.deliver(raw, to)))
  expect(outcomes.flat().every(({ result }) => result === 'quarantined')).toBe(true)
  expect(await count()).toBe(before + inputs.length)
})

test('a batch that PostgreSQL ended to let another one through is written again', async () => {
  await t.sql.unsafe(`
    create sequence tries;
    create function lose() returns trigger language plpgsql as $$
    begin
      if new.recipient = 'loser@example.com' and nextval('tries') <= 2 then
        raise exception 'deadlock detected' using errcode = '40P01';
      end if;
      return new;
    end $$;
    create trigger lose before insert on feedback for each row execute function lose()`)
  const addresses = ['winner@example.com', 'loser@example.com', 'third@example.com']
  const outcomes = await Promise.all(
    addresses.map((address) => t.deliver(bounceOf([{ to: address }]), to)),
  )
  expect(outcomes).toMatchObject(addresses.map(() => [{ result: 'recorded' }]))
  for (const address of addresses) expect(await stored(address)).toBe(1)
})
