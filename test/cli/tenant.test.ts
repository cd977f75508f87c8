import { describe, expect, test } from 'vitest'
import { type RunningDaemon, startDaemon } from '../support/daemon.ts'
import { useCommandLine } from './hearback.ts'

const line = useCommandLine()

test('a tenant is made once, with a key to sign with', async () => {
  expect(await line.run('tenant', 'add', 'shop')).toBe('tenant shop made\n')
  expect(await line.run('tenant', 'add', 'shop')).toBe('tenant shop is there already\n')
  const [row] = await line.database.sql`select count(*)::int as keys from signing_key`
  expect(row).toEqual({ keys: 1 })
})

test('--json tells the id and whether it is new', async () => {
  const made = await line.json<{ tenantId: number }>(
    'tenant',
    'add',
    'Café & Söhne'.replace('& ', ''),
  )
  expect(made).toEqual({ name: 'Café Söhne', tenantId: expect.any(Number), isNew: true })
  const again = await line.json('tenant', 'add', 'Café Söhne')
  expect(again).toEqual({ ...made, isNew: false })
})

test('the list tells how long a bounce suppresses', async () => {
  expect(await line.run('tenant', 'ls')).toMatch(/shop +hard ever, soft 14 d, block 3 d +active/)
  const tenants = await line.json<unknown[]>('tenant', 'ls')
  expect(tenants).toContainEqual(
    expect.objectContaining({
      name: 'shop',
      bounceDays: { hard: null, soft: 14, block: 3 },
      suspendedAt: null,
    }),
  )
})

test.each(['', ' shop', 'a\nb', '-', 'x'.repeat(101), 'drop;table'])(
  'a tenant cannot be called %j',
  async (name) => {
    expect(await line.complaint('tenant', 'add', '--', name)).toContain('cannot name a tenant')
  },
)

type Entry = { actor: { kind: string }; action: string; reason: string | null; detail: object }

async function audited(): Promise<Entry[]> {
  return (await line.json<Entry[]>('audit', '--tenant', 'shop')).reverse()
}

test('settings change with a trace, and are only shown when none is given', async () => {
  const set = ['tenant', 'set', 'shop']
  expect(await line.run(...set, '--soft-days', '30', '--reason', 'ticket 5')).toBe(
    'bounces suppress: hard ever, soft 30 d, block 3 d; held back over 10 times the usual hour and 1000 reports\n',
  )
  expect(await line.json(...set)).toMatchObject({ bounceDays: { soft: 30 } })
  expect(await audited()).toMatchObject([
    {
      actor: { kind: 'command' },
      action: 'tenant.update',
      reason: 'ticket 5',
      detail: { bounceDays: { soft: 30 }, stormLimits: {} },
    },
  ])
})

test.each([
  ['36501', 'It takes at most 36500 days, or ever.'],
  ['9999999', 'It takes at most 36500 days, or ever.'],
  ['-1', 'It takes a whole number.'],
  ['soon', 'It takes a whole number.'],
])('bounces do not suppress for %s days', async (days, said) => {
  expect(await line.complaint('tenant', 'set', 'shop', `--soft-days=${days}`)).toContain(said)
})

test('the longest time that a bounce can suppress is a hundred years', async () => {
  const set = await line.json('tenant', 'set', 'shop', '--soft-days', '36500')
  expect(set).toMatchObject({ bounceDays: { soft: 36_500 } })
})

describe('a tenant that is suspended', () => {
  const statusWith = async (daemon: RunningDaemon, key: string): Promise<number> => {
    const url = `http://${daemon.http.host}:${daemon.http.port}/v3/suppression/bounces`
    return (await fetch(url, { headers: { authorization: `Bearer ${key}` } })).status
  }
  const newKey = async () => (await line.run('key', 'add', '--tenant', 'shop')).trimEnd()

  test('opens nothing with its keys until it is resumed, in a running daemon too', async () => {
    const daemon = await startDaemon(line.env)
    const key = await newKey()
    const before = (await audited()).length
    const suspend = ['tenant', 'suspend', 'shop', '--reason', 'unpaid']
    expect(await line.run(...suspend)).toBe('tenant shop is suspended\n')
    expect(await statusWith(daemon, key)).toBe(403)
    expect(await line.run('tenant', 'ls')).toMatch(/shop .* suspended$/m)
    expect(await line.run(...suspend)).toBe('tenant shop is suspended already\n')
    expect(await line.json('tenant', 'resume', 'shop')).toEqual({
      name: 'shop',
      state: 'active',
      isChanged: true,
    })
    expect(await statusWith(daemon, await newKey())).toBe(200)
    expect((await audited()).slice(before)).toMatchObject([
      { action: 'tenant.suspend', reason: 'unpaid' },
      { action: 'tenant.resume', reason: null },
      { action: 'api-key.create' },
    ])
  })

  test('has to be there', async () => {
    expect(await line.complaint('tenant', 'suspend', 'nobody')).toContain(
      'there is no tenant nobody',
    )
  })
})
