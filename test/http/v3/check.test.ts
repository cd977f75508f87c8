import { describe, expect, test } from 'vitest'
import { useDoor } from '../door.ts'

const door = useDoor()
const url = '/v3/suppression/check'
const bounces = '/v3/suppression/bounces'
const everybody = '/v3/asm/suppressions/global'

type Result = {
  email: string
  suppressed: boolean
  reason: string | null
  lists: Record<string, unknown>[]
}

async function check(key: string, body: object): Promise<Result[]> {
  const reply = await door.call('POST', url, { key, json: body })
  expect(reply.status).toBe(200)
  return (reply.json as { results: Result[] }).results
}

async function addGroup(key: string, name: string, isDefault = false): Promise<number> {
  const json = { name, is_default: isDefault }
  const { json: group } = await door.call('POST', '/v3/asm/groups', { key, json })
  return (group as { id: number }).id
}

async function leave(key: string, groupId: number, email: string): Promise<void> {
  const json = { recipient_emails: [email] }
  const path = `/v3/asm/groups/${groupId}/suppressions`
  expect((await door.call('POST', path, { key, json })).status).toBe(201)
}

describe('POST /v3/suppression/check', () => {
  test('answers in the order asked, canonical, duplicates kept', async () => {
    const { key } = await door.addTenant()
    door.setNow(new Date('2026-03-01T00:00:00Z'))
    const json = { email: 'gone@example.com', bounce_type: 'soft' }
    await door.call('POST', bounces, { key, json })
    door.setNow(null)
    const emails = [
      'Nobody@Example.COM',
      ' GONE@example.com ',
      'jane@bücher.example',
      'gone@example.com',
    ]
    const gone = {
      email: 'gone@example.com',
      suppressed: true,
      reason: 'suppressed_bounce',
      lists: [{ list: 'bounces', bounce_type: 'soft', since: 1_772_323_200, until: null }],
    }
    const may = { suppressed: false, reason: null, lists: [] }
    expect(await check(key, { emails })).toEqual([
      { email: 'nobody@example.com', ...may },
      gone,
      { email: 'jane@xn--bcher-kva.example', ...may },
      gone,
    ])
  })

  test('all hits with the strongest reason first, and without those that are bypassed', async () => {
    const { key } = await door.addTenant()
    const email = 'a@example.com'
    const groupId = await addGroup(key, 'news')
    await leave(key, groupId, email)
    await door.call('POST', everybody, { key, json: { recipient_emails: [email] } })
    await door.call('POST', '/v3/suppression/spam_reports', { key, json: { email } })
    await door.call('POST', bounces, { key, json: { email } })
    const asm = { group_id: groupId, groups_to_display: [groupId] }
    const lists = async (...names: string[]) => {
      const settings = names.map((name) => [`bypass_${name}_management`, { enable: true }])
      const mail_settings = { ...Object.fromEntries(settings), footer: { enable: true } }
      const [result] = await check(key, { emails: [email], asm, mail_settings })
      return [result?.reason, ...(result?.lists.map(({ list }) => list) ?? [])]
    }
    const [b, s, u, g] = ['bounces', 'spam_reports', 'global_unsubscribes', 'group_unsubscribes']
    expect(await lists()).toEqual(['suppressed_bounce', b, s, u, g])
    expect(await lists('bounce')).toEqual(['suppressed_spam', s, u, g])
    expect(await lists('spam')).toEqual(['suppressed_bounce', b, u, g])
    expect(await lists('bounce', 'spam')).toEqual(['suppressed_unsubscribe', u, g])
    expect(await lists('bounce', 'spam', 'unsubscribe')).toEqual([
      'suppressed_group_unsubscribe',
      g,
    ])
    expect(await lists('list', 'spam')).toEqual([null])
    const off = { bypass_list_management: { enable: false }, bypass_spam_management: {} }
    const [result] = await check(key, { emails: [email], mail_settings: off })
    expect(result?.reason).toBe('suppressed_bounce')
  })

  test('the default group when none is named, from the moment it is one', async () => {
    const { key } = await door.addTenant()
    const email = 'a@example.com'
    const [news, offers] = [await addGroup(key, 'news'), await addGroup(key, 'offers')]
    await leave(key, news, email)
    const groupOf = async (asm?: object | null) => {
      const [result] = await check(key, { emails: [email], asm })
      return result?.lists[0]?.['group_id'] ?? null
    }
    expect(await groupOf()).toBeNull()
    await door.call('PATCH', `/v3/asm/groups/${news}`, { key, json: { is_default: true } })
    expect(await groupOf()).toBe(news)
    expect(await groupOf(null)).toBe(news)
    expect(await groupOf({ group_id: offers })).toBeNull()
    await door.call('DELETE', `/v3/asm/groups/${news}`, { key })
    expect(await groupOf()).toBeNull()
    expect(await groupOf({ group_id: news })).toBeNull()
  })

  test('400 for a group that this tenant never had', async () => {
    const { key } = await door.addTenant()
    const foreign = await addGroup((await door.addTenant()).key, 'news')
    for (const group_id of [foreign, 2_147_483_647, 2_147_483_648, 0, -1, 1.5, '1', null]) {
      const json = { emails: ['a@example.com'], asm: { group_id } }
      const reply = await door.call('POST', url, { key, json })
      expect([group_id, reply.status]).toEqual([group_id, 400])
      expect(reply.json).toMatchObject({ detail: [{ loc: ['body', 'asm', 'group_id'] }] })
    }
  })

  test('400 names each address that is none, and nothing is answered', async () => {
    const { key } = await door.addTenant()
    const emails = ['a@example.com', 'nobody', 'b@example.com', 7]
    const reply = await door.call('POST', url, { key, json: { emails } })
    expect(reply.status).toBe(400)
    expect(reply.json).toMatchObject({
      detail: [
        { loc: ['body', 'emails', 1], msg: 'Invalid email address' },
        { loc: ['body', 'emails', 3] },
      ],
    })
  })

  test.each([
    ['no addresses', { emails: [] }, ['body', 'emails']],
    ['no list', { email: 'a@example.com' }, ['body', 'emails']],
    ['1,001 addresses', { emails: Array(1_001).fill('a@example.com') }, ['body', 'emails']],
    [
      'a setting that is none',
      { emails: ['a@example.com'], mail_settings: { bypass_list_management: true } },
      ['body', 'mail_settings', 'bypass_list_management'],
    ],
    [
      'a setting that is not told',
      { emails: ['a@example.com'], mail_settings: { bypass_list_management: { enable: 'yes' } } },
      ['body', 'mail_settings', 'bypass_list_management', 'enable'],
    ],
  ])('400 for %s', async (_name, json, loc) => {
    const { key } = await door.addTenant()
    const reply = await door.call('POST', url, { key, json })
    expect(reply.status).toBe(400)
    expect(reply.json).toMatchObject({ detail: [{ loc }] })
  })

  test('1,000 addresses at once', async () => {
    const { key } = await door.addTenant()
    const json = { recipient_emails: ['user500@example.com'] }
    await door.call('POST', everybody, { key, json })
    const emails = Array.from({ length: 1_000 }, (_, index) => `user${index}@example.com`)
    const results = await check(key, { emails })
    expect(results.map(({ email }) => email)).toEqual(emails)
    expect(results.flatMap(({ suppressed }, index) => (suppressed ? [index] : []))).toEqual([500])
  })
})

describe('GET /v3/suppression/check/{email}', () => {
  test('says the same of one address', async () => {
    const { key } = await door.addTenant()
    const groupId = await addGroup(key, 'news')
    await leave(key, groupId, 'a+b@example.com')
    await door.call('POST', bounces, { key, json: { email: 'a+b@example.com' } })
    const reason = async (query: string) => {
      const reply = await door.call('GET', `${url}/A+B@example.com${query}`, { key })
      expect(reply.status).toBe(200)
      const { results } = reply.json as { results: Result[] }
      expect(results.map(({ email }) => email)).toEqual(['a+b@example.com'])
      return results[0]?.reason
    }
    expect(await reason('')).toBe('suppressed_bounce')
    expect(await reason('?bypass_bounce_management=true')).toBeNull()
    expect(await reason('?bypass_bounce_management=false')).toBe('suppressed_bounce')
    expect(await reason(`?bypass_bounce_management=true&group_id=${groupId}`)).toBe(
      'suppressed_group_unsubscribe',
    )
    expect(await reason(`?bypass_list_management=true&group_id=${groupId}`)).toBeNull()
  })

  test.each([
    ['nobody', ['path', 'email']],
    ['a@example.com?group_id=99', ['query', 'group_id']],
    ['a@example.com?group_id=x', ['query', 'group_id']],
    ['a@example.com?bypass_list_management=1', ['query', 'bypass_list_management']],
  ])('400 for %s', async (rest, loc) => {
    const { key } = await door.addTenant()
    const reply = await door.call('GET', `${url}/${rest}`, { key })
    expect(reply.status).toBe(400)
    expect(reply.json).toMatchObject({ detail: [{ loc }] })
  })
})

test('without the database 503 with Retry-After, and never "not suppressed"', async () => {
  const { key } = await door.addTenant()
  await check(key, { emails: ['a@example.com'] })
  await door.dropDatabase()
  const asked = [
    ['POST', url, { emails: ['a@example.com'] }],
    ['POST', `${url}?`, { emails: ['a@example.com'] }],
    [
      'POST',
      url,
      {
        emails: ['a@example.com'],
        mail_settings: { bypass_list_management: { enable: true } },
      },
    ],
    ['GET', `${url}/a@example.com`, undefined],
  ] as const
  for (const [method, path, json] of asked) {
    const reply = await door.call(method, path, { key, json })
    expect([method, path, reply.status]).toEqual([method, path, 503])
    expect(reply.headers.get('retry-after')).toMatch(/^\d+$/)
    expect(reply.json).toMatchObject({ detail: 'Temporarily unavailable, try again' })
  }
  expect(door.log()).toContain('"route":"/suppression/check"')
  expect(door.log()).not.toContain('a@example.com')
})
