import { beforeAll, expect, test } from 'vitest'
import { useCommandLine } from './hearback.ts'

const line = useCommandLine()

type Key = { apiKeyId: string; name: string; prefix: string; scopes: string[]; revokedAt: string }

beforeAll(async () => {
  await line.run('tenant', 'add', 'shop')
  await line.run('tenant', 'add', 'other')
})

test('a key is shown once: afterwards there is only its beginning', async () => {
  const key = (await line.run('key', 'add', '--tenant', 'shop', '--name', 'ci')).trimEnd()
  expect(key).toMatch(/^hb_live_[0-9a-z]{40}$/)
  const listed = await line.run('key', 'ls', '--tenant', 'shop')
  expect(listed).toContain(`${key.slice(0, 12)}…`)
  expect(listed).toMatch(/ci +in force/)
  expect(listed).not.toContain(key)
  expect(await line.json<Key[]>('key', 'ls', '--tenant', 'other')).toEqual([])
})

test("scopes, an end and a text of one's own", async () => {
  const given = 'printable~chars!only'
  const added = await line.json(
    ...['key', 'add', '--tenant', 'shop', '--key', given, '--scope', 'suppressions.read'],
    ...['--expires', '2030-01-01'],
  )
  expect(added).toEqual({ tenant: 'shop', name: 'api', scopes: ['suppressions.read'], key: given })
  const keys = await line.json<Key[]>('key', 'ls', '--tenant', 'shop')
  expect(keys).toContainEqual(
    expect.objectContaining({
      name: 'api',
      prefix: 'prin',
      scopes: ['suppressions.read'],
      expiresAt: '2030-01-01T00:00:00.000Z',
    }),
  )
  expect(JSON.stringify(keys)).not.toContain(given)
})

test('a revoked key is not in force, and cannot be revoked again or by another tenant', async () => {
  await line.run('key', 'add', '--tenant', 'shop', '--name', 'leaked')
  const keys = await line.json<Key[]>('key', 'ls', '--tenant', 'shop')
  const id = keys.find(({ name }) => name === 'leaked')?.apiKeyId ?? ''
  expect(await line.complaint('key', 'revoke', id, '--tenant', 'other')).toBe(
    `hearback: tenant other has no key ${id} in force`,
  )
  expect(await line.json('key', 'revoke', id, '--tenant', 'shop')).toEqual({
    apiKeyId: id,
    revoked: true,
  })
  expect(await line.run('key', 'ls', '--tenant', 'shop')).toMatch(/leaked +revoked/)
  expect(await line.complaint('key', 'revoke', id, '--tenant', 'shop')).toContain('has no key')
})

test.each([
  [['add', '--tenant', 'nobody'], 'there is no tenant nobody; `hearback tenant ls` lists them'],
  [['ls', '--tenant', 'nobody'], 'there is no tenant nobody'],
  [
    ['add', '--tenant', 'shop', '--scope', 'everything'],
    'there is no scope everything; there are ',
  ],
  [['add', '--tenant', 'shop', '--key', 'too short'], '--key takes 16 to 128 printable characters'],
  [['add', '--tenant', 'shop', '--expires', 'soon'], '--expires takes a date such as 2030-01-01'],
  [['revoke', 'abc', '--tenant', 'shop'], 'abc is no id of a key; `hearback key ls` shows them'],
  [['add'], "required option '--tenant <name>' not specified"],
])('key %j is refused', async (args, said) => {
  expect(await line.complaint('key', ...args)).toContain(said)
})

test('a key that exists is not said to have rights that it has not', async () => {
  const given = 'a-key-that-is-there-already'
  const add = ['key', 'add', '--tenant', 'shop', '--key', given]
  const reads = ['--scope', 'suppressions.read']
  await line.run(...add, ...reads, '--name', 'first')
  expect(await line.json(...add, ...reads)).toMatchObject({ key: given, name: 'first' })
  const there = 'hearback: this key is there already:'
  const inForce = `${there} in force, with suppressions.read; take another`
  expect(await line.complaint(...add)).toBe(inForce)
  expect(await line.complaint(...add, ...reads, '--expires', '2030-01-01')).toBe(inForce)
  const keys = await line.json<Key[]>('key', 'ls', '--tenant', 'shop')
  const id = keys.find(({ name }) => name === 'first')?.apiKeyId ?? ''
  await line.run('key', 'revoke', id, '--tenant', 'shop')
  expect(await line.complaint(...add, ...reads)).toBe(
    `${there} revoked, with suppressions.read; take another`,
  )
})

test('a key that is over is listed as expired', async () => {
  await line.run('key', 'add', '--tenant', 'shop', '--name', 'old', '--expires', '2020-01-01')
  expect(await line.run('key', 'ls', '--tenant', 'shop')).toMatch(
    /old +expired 2020-01-01T00:00:00.000Z/,
  )
})

test('the key of another tenant is not given away', async () => {
  const key = 'the-key-of-the-other-tenant'
  await line.run('key', 'add', '--tenant', 'other', '--key', key)
  expect(await line.complaint('key', 'add', '--tenant', 'shop', '--key', key)).toBe(
    'hearback: this key is there already, for another tenant',
  )
})

test('who made and ended a key is in the audit trail, without the key', async () => {
  await line.run('tenant', 'add', 'audited')
  const add = ['key', 'add', '--tenant', 'audited', '--key', 'a-key-that-is-audited']
  await line.run(...add, '--reason', 'ticket 8')
  await line.run(...add)
  const [{ apiKeyId = '' } = {}] = await line.json<Key[]>('key', 'ls', '--tenant', 'audited')
  await line.run('key', 'revoke', apiKeyId, '--tenant', 'audited', '--reason', 'leaked')
  const entries = await line.json('audit', '--tenant', 'audited')
  expect(entries).toMatchObject([
    { action: 'api-key.revoke', reason: 'leaked', detail: { apiKeyId, name: 'api' } },
    { action: 'api-key.create', reason: 'ticket 8', detail: { apiKeyId, name: 'api' } },
  ])
  expect(JSON.stringify(entries)).not.toContain('a-key-that-is-audited')
})
