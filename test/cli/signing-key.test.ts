import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readSigningKey, sealedToken, signReturnPath } from '../../src/token/token.ts'
import { startDaemon } from '../support/daemon.ts'
import { connectSmtp } from '../support/smtp-client.ts'
import { useCommandLine } from './hearback.ts'

const line = useCommandLine()
const domain = 'bounces.shop.example'
const email = 'jane@customer.example'
const shop = ['--tenant', 'shop']
let folder: string

type Exported = { signingKeyId: number; slot: number }
type Key = { signingKeyId: number; slot: number; createdAt: string }

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hearback-keys-'))
  await line.run('tenant', 'add', 'shop')
  await line.run('domain', 'add', domain, '--tenant', 'shop')
})
afterAll(() => rm(folder, { recursive: true }))

test('a tenant begins with one key; a rotation adds one that signs', async () => {
  const [first] = await line.json<Key[]>('signing-key', 'ls', ...shop)
  expect(first).toMatchObject({ slot: 0 })
  const added = await line.json<Key>('signing-key', 'rotate', ...shop)
  expect(added.slot).toBe(1)
  expect(await line.json('signing-key', 'ls', ...shop)).toEqual([added, first])
  expect(await line.run('signing-key', 'ls', ...shop)).toMatch(
    new RegExp(
      `^${added.signingKeyId} +1 +.*signs, verifies\n${first?.signingKeyId} +0 +.*verifies\n$`,
      'm',
    ),
  )
})

test('a daemon that runs takes what a new key signed, and what the old one did', async () => {
  const daemon = await startDaemon(line.env)
  const old = readSigningKey(await line.run('signing-key', 'export', ...shop))
  await line.run('signing-key', 'rotate', ...shop)
  const newest = readSigningKey(await line.run('signing-key', 'export', ...shop))
  expect(newest.slot).toBe(old.slot + 1)
  const client = await connectSmtp(daemon.smtp)
  await client.command('EHLO mx.example.net')
  await client.command('MAIL FROM:<>')
  for (const key of [old, newest]) {
    const returnPath = signReturnPath({ key, domain, email })
    expect((await client.command(`RCPT TO:<${returnPath}>`)).code).toBe(250)
    const token = sealedToken({ key, purpose: 'unsubscribe', email })
    const link = `http://${daemon.http.host}:${daemon.http.port}/u/${token}`
    expect((await fetch(link)).status).toBe(200)
  }
  await client.close()
})

describe('an exported key', () => {
  test('is one line for a program', async () => {
    const text = await line.run('signing-key', 'export', ...shop)
    expect(text).toMatch(/^hbk1\.\d+\.\d+\.\d+\.[\w-]{43}\.[0-9a-f]{8}\n$/)
    const { id, slot } = readSigningKey(text)
    const said = await line.json('signing-key', 'export', ...shop)
    expect(said).toEqual({ signingKeyId: id, slot, key: text.trim() })
  })

  test('is written to a file that nobody else can read, and over none', async () => {
    const file = join(folder, 'shop.key')
    const said = await line.json<Exported>('signing-key', 'export', ...shop, '--output', file)
    expect(said).toEqual({
      signingKeyId: expect.any(Number),
      slot: expect.any(Number),
      output: file,
    })
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(readSigningKey(await readFile(file, 'utf8'))).toMatchObject({ id: said.signingKeyId })
    await writeFile(file, 'mine')
    expect(await line.complaint('signing-key', 'export', ...shop, '--output', file)).toContain(
      'is there already',
    )
    expect(await readFile(file, 'utf8')).toBe('mine')
    const nowhere = join(folder, 'no', 'such', 'folder')
    expect(await line.complaint('signing-key', 'export', ...shop, '--output', nowhere)).toContain(
      'cannot be written: ENOENT',
    )
  })
})

test('who did it, and why, stays in the audit trail', async () => {
  await line.run('tenant', 'add', 'audited')
  const { signingKeyId } = await line.json<Key>(
    ...['signing-key', 'rotate', '--tenant', 'audited', '--reason', 'a laptop was lost'],
  )
  await line.run('signing-key', 'export', '--tenant', 'audited')
  const entries = await line.database.sql`
    select action, actor_kind, actor_id, reason, detail
    from audit_entry
    join tenant using (tenant_id)
    where name = 'audited'
    order by happened_at, audit_entry_id`
  const by = { actorKind: 'command', actorId: userInfo().username }
  expect([...entries]).toEqual([
    {
      ...by,
      action: 'signing-key.rotate',
      reason: 'a laptop was lost',
      detail: { signingKeyId, slot: 1 },
    },
    { ...by, action: 'signing-key.export', reason: null, detail: { signingKeyId, slot: 1 } },
  ])
})

test('the 257th key is refused, and says how old the first one is', async () => {
  await line.run('tenant', 'add', 'tireless')
  await line.database.sql`
    insert into signing_key (tenant_id, slot, encrypted_root)
    select tenant_id, slots.slot, encrypted_root
    from signing_key
    join tenant using (tenant_id), generate_series(1, 255) as slots (slot)
    where name = 'tireless'`
  await line.database.sql`
    update signing_key
    set created_at = now() - interval '400 days'
    where slot = 0 and tenant_id = (select tenant_id from tenant where name = 'tireless')`
  expect(await line.complaint('signing-key', 'rotate', '--tenant', 'tireless')).toMatch(
    /tenant tireless has used all 256 slots .* the oldest key is 400 days old/,
  )
})

test.each(['ls', 'rotate', 'export'])(
  'signing-key %s wants a tenant that is there',
  async (verb) => {
    expect(await line.complaint('signing-key', verb, '--tenant', 'nobody')).toContain(
      'there is no tenant nobody',
    )
  },
)
