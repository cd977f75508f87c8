import { beforeAll, expect, test } from 'vitest'
import { tokenDay } from '../../src/attribute/token-day.ts'
import { readSigningKey, signReturnPath } from '../../src/token/token.ts'
import { useCommandLine } from './hearback.ts'

const line = useCommandLine()
const domain = 'bounces.shop.example'
const make = ['token', 'make', '--domain', domain, '--email', 'Jane@Customer.Example']

type Made = {
  email: string
  return_path: string
  headers: Record<string, string>
  unsubscribe_url: string
  preferences_url: string
}

let groups: number[]

beforeAll(async () => {
  await line.run('tenant', 'add', 'shop')
  await line.run('domain', 'add', domain, '--tenant', 'shop')
  const made = await line.database.sql<{ id: number }[]>`
    insert into suppression_group (tenant_id, name, deleted_at)
    select tenant_id, 'group ' || number, case number when 3 then now() end
    from tenant, generate_series(1, 3) as numbers (number)
    returning group_id as id`
  groups = made.map(({ id }) => id)
})

test('everything that one mail needs, once for people and once for programs', async () => {
  const made = await line.json<Made>(...make)
  expect(Object.keys(made)).toEqual([
    'email',
    'return_path',
    'headers',
    'unsubscribe_url',
    'preferences_url',
  ])
  expect(made.email).toBe('jane@customer.example')
  expect(made.return_path).toMatch(/^[a-z0-9]{41}@bounces\.shop\.example$/)
  expect(made.headers).toMatchObject({
    'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
    'CFBL-Address': `fbl@${domain}; report=arf`,
  })
  expect(made.headers['List-Unsubscribe']).toBe(
    `<${made.unsubscribe_url}>, <mailto:unsubscribe@${domain}?subject=${made.unsubscribe_url.split('/').at(-1)}>`,
  )
  expect(await line.run(...make)).toBe(
    [
      `MAIL FROM: <${made.return_path}>`,
      ...Object.entries(made.headers).map(([name, value]) => `${name}: ${value}`),
      `Preferences page: ${made.preferences_url}`,
      '',
    ].join('\n'),
  )
})

test('a token says what was put into it, how old it is and what it acts for', async () => {
  const [news = 0, offers = 0] = groups
  const display = ['--display', String(news), String(offers)]
  const options = ['--group', String(news), ...display, '--message-id', '0123456789abcdef']
  const made = await line.json<Made>(...make, ...options)
  const issued = new Date().toISOString().slice(0, 10)
  const about = { tenantId: expect.any(Number), tenant: 'shop', issued, ageDays: 0 }
  const actsFor = ['bounce', 'complaint', 'unsubscribe']
  expect(await line.json('token', 'read', made.return_path.toUpperCase())).toEqual({
    kind: 'return-path',
    messageReference: '0123456789abcdef',
    recipientDigest: expect.stringMatching(/^[0-9a-f]{16}$/),
    ...about,
    actsFor,
  })
  const sealed = {
    kind: 'sealed',
    groupId: news,
    groupsToDisplay: [news, offers],
    messageReference: '0123456789abcdef',
    recipient: 'jane@customer.example',
    ...about,
    actsFor,
  }
  for (const [text, purpose] of [
    [made.headers['List-Unsubscribe'], 'unsubscribe'],
    [made.preferences_url, 'preferences'],
    [made.headers['X-Hearback-Ref'], 'reference'],
  ]) {
    expect(await line.json('token', 'read', text ?? '')).toEqual({ ...sealed, purpose })
  }
})

test('for people: until when it acts for what', async () => {
  const today = tokenDay(new Date())
  const key = readSigningKey(await line.run('signing-key', 'export', '--tenant', 'shop'))
  const made = (days: number) => {
    const now = new Date((today - days) * 86_400_000)
    return `Return-Path: <${signReturnPath({ key, domain, email: 'jane@customer.example', now })}>`
  }
  const dateOf = (day: number) => new Date(day * 86_400_000).toISOString().slice(0, 10)
  expect(await line.run('token', 'read', made(31))).toContain(
    [
      `issued: ${dateOf(today - 31)}, 31 days ago`,
      `acts for bounces: until ${dateOf(today)}`,
      `acts for spam reports: until ${dateOf(today + 150)}`,
      'acts for unsubscribes: for ever\n',
    ].join('\n'),
  )
  const lapsed = await line.run('token', 'read', made(32))
  expect(lapsed).toContain(`acts for bounces: not since ${dateOf(today - 1)}\n`)
  expect(await line.run('token', 'read', made(-5))).toContain('acts for bounces: not yet\n')
})

test.each([
  [['make', '--domain', domain, '--email', 'nobody'], 'nobody is no address'],
  [
    ['make', '--domain', 'else.example', '--email', 'a@b.example'],
    'else.example is no domain of a',
  ],
  [
    ['make', '--domain', domain, '--email', 'a@b.example', '--group', '0'],
    'a positive whole number',
  ],
  [
    ['make', '--domain', domain, '--email', 'a@b.example', '--message-id', ''],
    '--message-id takes some text',
  ],
  [['make', '--domain', domain], "required option '--email <address>' not specified"],
  [['read', 'nonsense'], 'this is no token of ours'],
  [['read', `bounces@${domain}`], 'this is no token of ours'],
  [['read', 'hb1_AAAA'], 'this is no token of ours'],
  [['read', `b${'a'.repeat(40)}`], 'a return path is read together with its domain'],
])('token %j is refused', async (args, said) => {
  expect(await line.complaint('token', ...args)).toContain(said)
})

test('a group that the tenant does not have is refused', async () => {
  const [news = 0, , deleted = 0] = groups
  for (const options of [
    ['--group', String(deleted)],
    ['--group', String(news), '--display', String(news), '2000000000'],
  ]) {
    expect(await line.complaint(...make, ...options)).toContain(
      `the tenant has no group ${options.at(-1)}`,
    )
  }
})

test('no more groups than a token has room for', async () => {
  const display = Array.from({ length: 26 }, (_, at) => String(at + 1))
  expect(await line.complaint(...make, '--display', ...display)).toContain('at most 25 groups')
})
