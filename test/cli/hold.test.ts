import { uuidv7 } from 'uuidv7'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { useCommandLine } from './hearback.ts'

const line = useCommandLine()
let tenantId: number

beforeAll(async () => {
  await line.run('tenant', 'add', 'shop')
  const [row] = await line.database.sql`select tenant_id from tenant where name = 'shop'`
  tenantId = row?.['tenantId']
})

const hour = 3_600_000
const lately = new Date(Date.now() - hour)
const before = new Date(Date.now() - 100 * hour)

async function hold(recipient: string, remoteMta: string | null, at = lately): Promise<void> {
  await line.database.sql`
    insert into feedback (
      tenant_id, feedback_id, kind, recipient, reported_at, origin, bounce_class, classification,
      status, remote_mta, withdrawn_at, withdrawn_by)
    values (${tenantId}, ${uuidv7()}, 'bounce', ${recipient}, ${at}, 'report', 'hard',
      'user-unknown', '5.1.1', ${remoteMta}, ${at}, 'storm')`
}

beforeEach(async () => {
  await line.database.sql`delete from feedback`
  await line.database.sql`delete from suppression`
  await hold('early@gmail.com', 'gmail-smtp-in.l.google.com', before)
  await hold('late@gmail.com', 'gmail-smtp-in.l.google.com')
  await hold('by-number@example.com', '192.0.2.25')
  await hold('inside@localhost', 'mx')
})

type Line = { provider: string; reports: number }

async function waiting(): Promise<string[]> {
  const lines = await line.json<Line[]>('hold', 'ls', '--tenant', 'shop')
  return lines.map(({ provider, reports }) => `${provider} ${reports}`).sort()
}

describe('what waits for a decision', () => {
  test('is listed by hour and provider', async () => {
    expect(await waiting()).toEqual(['example.com 1', 'google 1', 'google 1', 'unknown 1'])
    expect(await line.run('hold', 'ls', '--tenant', 'shop', '--since', '36h')).toMatch(
      /google +hard +5\.1\.1 +1 /,
    )
  })

  test.each([
    ['google', 2],
    ['Google', 2],
    ['gmail.com', 2],
    ['example.com', 1],
    ['unknown', 1],
    ['yahoo', 0],
  ])('is dropped by the name of the provider: %s', async (provider, reports) => {
    const drop = ['hold', 'drop', '--tenant', 'shop', '--provider', provider]
    expect(await line.json(...drop)).toEqual({ reports, addresses: 0 })
    expect(await waiting()).toHaveLength(reports === 2 ? 2 : 4 - reports)
  })

  test('is applied for the hours that are named', async () => {
    const apply = ['hold', 'apply', '--tenant', 'shop', '--provider', 'google', '--since', '36h']
    expect(await line.run(...apply, '--reason', 'they are gone')).toBe(
      '1 reports applied: 1 addresses changed\n',
    )
    const rows = await line.database.sql`select address from suppression`
    expect(rows).toEqual([{ address: 'late@gmail.com' }])
    const [entry] = await line.json<object[]>('audit', '--tenant', 'shop')
    expect(entry).toMatchObject({ action: 'hold.apply', entries: 1, reason: 'they are gone' })
  })
})

test.each([
  [['--provider', 'goggle'], '--provider takes google, microsoft'],
  [['--since', 'monday'], '--since takes a date'],
  [['--until', '2026-13-01'], '--until takes a date'],
])('hold drop %j is refused', async (args, said) => {
  expect(await line.complaint('hold', 'drop', '--tenant', 'shop', ...args)).toContain(said)
  expect(await waiting()).toHaveLength(4)
})
