import { userInfo } from 'node:os'
import { beforeAll, expect, test } from 'vitest'
import { addAudit } from '../../src/record/audit.ts'
import { useCommandLine } from './hearback.ts'

const line = useCommandLine()
const audit = ['audit', '--tenant', 'shop']

type Entry = { action: string; actor: object; address: string | null; reason: string | null }

beforeAll(async () => {
  await line.run('tenant', 'add', 'other')
  await line.run('tenant', 'add', 'shop')
  const [shop] = await line.database.sql`select tenant_id from tenant where name = 'shop'`
  const actor = { kind: 'api-key', id: 'id-of-the-key', name: 'support desk' } as const
  const by = { actor, reason: 'ticket\t4711\u009b31m', requestId: 'request-1' }
  const list = 'bounces'
  const changes = [
    { action: 'suppression.remove' as const, list, address: 'jane@example.com' },
    { action: 'suppression.remove-all' as const, list, entries: 12 },
  ] as const
  const then = new Date('2026-03-01T12:00:00Z')
  await addAudit(line.database.sql, shop?.['tenantId'], by, changes, then)
  await line.run('signing-key', 'rotate', '--tenant', 'shop', '--reason', 'yearly')
})

test('what an operator changes on the command line is in the trail, under the name of the user', async () => {
  const [newest] = await line.json<Entry[]>(...audit)
  expect(newest).toMatchObject({
    actor: { kind: 'command', id: userInfo().username, name: null },
    action: 'signing-key.rotate',
    reason: 'yearly',
    requestId: null,
  })
})

test('a line for each change, newest first, with nothing that a terminal obeys', async () => {
  const [header, ...lines] = (await line.run(...audit)).trimEnd().split('\n')
  expect(header).toMatch(/^TIME +WHO +WHAT +OF +WHY$/)
  expect(lines[0]).toMatch(/command \S+ +signing-key\.rotate +- +yearly$/)
  expect(lines.slice(1).sort()).toEqual([
    expect.stringMatching(
      /^2026-03-01T12:00:00.000Z {2}api-key support desk +suppression\.remove +jane@example\.com, bounces +ticket\\u\{9\}4711\\u\{9b\}31m$/,
    ),
    expect.stringMatching(
      /suppression\.remove-all +12 addresses, bounces +ticket\\u\{9\}4711\\u\{9b\}31m$/,
    ),
  ])
})

test('of one address, since a time, of one tenant', async () => {
  const ofJane = await line.json<Entry[]>(...audit, '--email', 'Jane@EXAMPLE.com')
  expect(ofJane).toMatchObject([{ action: 'suppression.remove', address: 'jane@example.com' }])
  const since = await line.json<Entry[]>(...audit, '--since', '2026-03-02')
  expect(since).toMatchObject([{ action: 'signing-key.rotate' }])
  expect(await line.json<Entry[]>('audit', '--tenant', 'other')).toEqual([])
})

test('somebody who was erased is found by the address, which is not shown', async () => {
  const email = 'gone@example.com'
  const [shop] = await line.database.sql`select tenant_id from tenant where name = 'shop'`
  const actor = { kind: 'command', id: 'operator', name: null } as const
  const by = { actor, reason: null, requestId: null }
  const changes = [{ action: 'suppression.add', list: 'bounces', address: email }] as const
  await addAudit(line.database.sql, shop?.['tenantId'], by, changes, new Date())
  await line.run('erase', email, '--tenant', 'shop', '--yes')
  const found = await line.json<Entry[]>(...audit, '--email', email)
  expect(found.map(({ action, address }) => [action, address])).toContainEqual([
    'suppression.add',
    null,
  ])
  expect(await line.run(...audit)).not.toContain('erased:')
})

test.each([
  [['--tenant', 'nobody'], 'there is no tenant nobody'],
  [['--tenant', 'shop', '--email', 'jane'], 'jane is no address'],
  [['--tenant', 'shop', '--since', 'lately'], '--since takes a date such as 2030-01-01'],
  [[], "required option '--tenant <name>' not specified"],
])('audit %j is refused', async (args, said) => {
  expect(await line.complaint('audit', ...args)).toContain(said)
})
