import { beforeAll, expect, test } from 'vitest'
import { addSuppressions } from '../../src/suppression/add.ts'
import { entry } from '../suppression/entries.ts'
import { useCommandLine } from './hearback.ts'

const line = useCommandLine()

beforeAll(async () => {
  await line.run('tenant', 'add', 'shop')
  const [row] = await line.database.sql`select tenant_id from tenant where name = 'shop'`
  const entries = [entry('jane@example.com'), entry('joe@example.com')]
  await line.database.sql.begin((sql) => addSuppressions(sql, row?.['tenantId'], entries))
})

test('it asks first, and says what there is', async () => {
  expect(await line.complaint('erase', 'Jane@Example.com', '--tenant', 'shop')).toContain(
    '1 entries of lists, 0 reports and clicks, 0 changes by hand; say --yes to erase them',
  )
})

test('what was erased is gone and goes on being blocked', async () => {
  const erased = await line.json('erase', 'Jane@Example.com', '--tenant', 'shop', '--yes')
  expect(erased).toMatchObject({ entries: 1, messages: 0 })
  const rows = await line.database.sql`select address from suppression order by address`
  expect(rows).toEqual([
    { address: expect.stringMatching(/^erased:[0-9a-f]{40}$/) },
    { address: 'joe@example.com' },
  ])
  const audited = await line.database.sql`select action, address, actor_kind from audit_entry`
  expect(audited).toEqual([
    { action: 'address.erase', address: rows[0]?.['address'], actorKind: 'command' },
  ])
}, 40_000)

test.each([
  [['jane', '--tenant', 'shop'], 'jane is no address'],
  [['jane@example.com'], 'say for whom: --tenant <name> or --all-tenants'],
  [['jane@example.com', '--tenant', 'x', '--all-tenants'], 'say for whom'],
  [['jane@example.com', '--tenant', 'nobody'], 'there is no tenant nobody'],
])('erase %j is refused', async (args, said) => {
  expect(await line.complaint('erase', ...args)).toContain(said)
})
