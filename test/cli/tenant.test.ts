import { expect, test } from 'vitest'
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
