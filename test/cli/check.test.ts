import { beforeAll, expect, test } from 'vitest'
import { addSuppressions } from '../../src/suppression/add.ts'
import { hearback } from '../support/daemon.ts'
import { entry } from '../suppression/entries.ts'
import { complaintOf, useCommandLine } from './hearback.ts'

const line = useCommandLine()
const until = new Date('2099-01-01T00:00:00Z')

beforeAll(async () => {
  await line.run('tenant', 'add', 'shop')
  await line.database.sql`
    insert into suppression_group (tenant_id, group_id, name) values (1, 7, 'news')`
  await line.database.sql.begin((sql) =>
    addSuppressions(sql, 1, [
      entry('gone@example.com', { until, bounceClass: 'soft' }),
      entry('left@example.com', { list: 'group_unsubscribes', groupId: 7, bounceClass: null }),
      entry('left@example.com', { list: 'spam_reports', bounceClass: null }),
    ]),
  )
})

async function check(...args: string[]): Promise<{ code: number | null; stdout: string }> {
  const all = ['check', '--tenant', 'shop', ...args]
  const { code, stdout, stderr } = await hearback(all, { env: line.env })
  expect(stderr).toBe('')
  return { code, stdout }
}

test('exit code 0 when mail may be sent to all', async () => {
  const { code, stdout } = await check('Jane@Example.com', 'joe@example.com')
  expect(code).toBe(0)
  expect(stdout).toMatch(/^jane@example\.com +may be sent +\njoe@example\.com +may be sent *$/m)
})

test('exit code 1 when not, and why', async () => {
  const { code, stdout } = await check(
    '--group',
    '7',
    'joe@example.com',
    'left@example.com',
    'gone@example.com',
  )
  expect(code).toBe(1)
  expect(stdout).toMatch(/^joe@example\.com +may be sent/m)
  expect(stdout).toMatch(
    /^left@example\.com +suppressed_spam +spam_reports, group_unsubscribes \(7\)$/m,
  )
  expect(stdout).toMatch(
    /^gone@example\.com +suppressed_bounce +bounces \(soft\) until 2099-01-01T00:00:00\.000Z$/m,
  )
})

test('--json says what the API says', async () => {
  const { code, stdout } = await check('--json', 'left@example.com', 'joe@example.com')
  expect(code).toBe(1)
  const since = 1_767_225_600
  expect(JSON.parse(stdout)).toEqual({
    results: [
      {
        email: 'left@example.com',
        suppressed: true,
        reason: 'suppressed_spam',
        lists: [{ list: 'spam_reports', since, until: null }],
      },
      { email: 'joe@example.com', suppressed: false, reason: null, lists: [] },
    ],
  })
})

test('more addresses than one statement takes', async () => {
  const many = Array.from({ length: 2_500 }, (_, index) => `u${index}@example.com`)
  const { code, stdout } = await check('--json', ...many, 'gone@example.com')
  expect(code).toBe(1)
  const { results } = JSON.parse(stdout) as { results: { email: string; suppressed: boolean }[] }
  expect(results.map(({ email }) => email)).toEqual([...many, 'gone@example.com'])
  expect(results.findIndex(({ suppressed }) => suppressed)).toBe(2_500)
})

test.each([
  [['--tenant', 'nobody', 'a@example.com'], 'there is no tenant nobody'],
  [['--tenant', 'shop', 'a@example.com', 'nobody'], 'nobody is no address'],
  [['--tenant', 'shop', '--group', '8', 'a@example.com'], 'the tenant has no group 8'],
])('%j cannot be answered', async (args, complaint) => {
  const finished = await hearback(['check', ...args], { env: line.env })
  expect(complaintOf(finished)).toContain(complaint)
})

test('a group is a number', async () => {
  const args = ['check', '--tenant', 'shop', '--group', 'news', 'a@example.com']
  const { code, stderr } = await hearback(args, { env: line.env })
  expect(code).toBe(1)
  expect(stderr).toContain('a group is a positive whole number')
})
