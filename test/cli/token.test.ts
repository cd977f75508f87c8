import { beforeAll, expect, test } from 'vitest'
import { useCommandLine } from './hearback.ts'

const line = useCommandLine()
const domain = 'bounces.shop.example'
const make = ['token', 'make', '--domain', domain, '--email', 'Jane@Customer.Example']

type Made = {
  email: string
  return_path: string
  headers: Record<string, string>
  unsubscribe_url: string
}

beforeAll(async () => {
  await line.run('tenant', 'add', 'shop')
  await line.run('domain', 'add', domain, '--tenant', 'shop')
})

test('everything that one mail needs, once for people and once for programs', async () => {
  const made = await line.json<Made>(...make)
  expect(Object.keys(made)).toEqual(['email', 'return_path', 'headers', 'unsubscribe_url'])
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
      '',
    ].join('\n'),
  )
})

test('a token says what was put into it', async () => {
  const options = ['--group', '7', '--display', '7', '8', '--message-id', '0123456789abcdef']
  const made = await line.json<Made>(...make, ...options)
  const today = new Date().toISOString().slice(0, 10)
  expect(await line.json('token', 'read', made.return_path.toUpperCase())).toEqual({
    kind: 'return-path',
    tenantId: expect.any(Number),
    issued: expect.stringMatching(/^\d{4}-\d\d-\d\d$/),
    messageReference: '0123456789abcdef',
    recipientDigest: expect.stringMatching(/^[0-9a-f]{16}$/),
  })
  expect(await line.json('token', 'read', made.unsubscribe_url.split('/').at(-1) ?? '')).toEqual({
    kind: 'sealed',
    issued: today,
    purpose: 'unsubscribe',
    tenantId: expect.any(Number),
    groupId: 7,
    groupsToDisplay: [7, 8],
    messageReference: '0123456789abcdef',
    recipient: 'jane@customer.example',
  })
  expect(await line.run('token', 'read', made.headers['X-Hearback-Ref'] ?? '')).toContain(
    'purpose: reference\n',
  )
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
  [['make', '--domain', domain], "required option '--email <address>' not specified"],
  [['read', 'nonsense'], 'this is no token of ours'],
  [['read', `bounces@${domain}`], 'this is no token of ours'],
])('token %j is refused', async (args, said) => {
  expect(await line.complaint('token', ...args)).toContain(said)
})
