import { beforeAll, describe, expect, test } from 'vitest'
import { addSigningKey } from '../../../src/attribute/keyring.ts'
import { openSealed } from '../../../src/attribute/sealed-token.ts'
import { addInboundDomain } from '../../../src/tenant/inbound-domains.ts'
import { type Reply, useDoor } from '../door.ts'

const door = useDoor()
const domain = 'bounces.shop.example'
const email = 'jane@customer.example'
let shop: { tenantId: number; key: string }
let other: { tenantId: number; key: string }
const groups = { live: 0, second: 0, deleted: 0, foreign: 0 }

type Made = {
  email: string
  return_path: string
  headers: Record<string, string>
  unsubscribe_url: string
  preferences_url: string
}

beforeAll(async () => {
  shop = await door.addTenant({ scopes: ['feedback.tokens'] })
  other = await door.addTenant({ scopes: ['feedback.tokens'] })
  await addDomain(domain, shop.tenantId)
  await addDomain('bounces.other.example', other.tenantId)
  await addDomain('fbl.platform.example', null)
  groups.live = await addGroup(shop.tenantId, 'News')
  groups.second = await addGroup(shop.tenantId, 'Offers')
  groups.deleted = await addGroup(shop.tenantId, 'Old')
  await door.sql`update suppression_group set deleted_at = now() where group_id = ${groups.deleted}`
  groups.foreign = await addGroup(other.tenantId, 'Theirs')
})

test('everything that each mail needs, in the order asked', async () => {
  const recipients = [
    { email: 'Jane@Customer.Example' },
    {
      email: 'josé@bücher.example',
      group_id: groups.live,
      groups_to_display: [groups.live, groups.second],
      message_id: '0123456789abcdef',
    },
    { email: 'Jane@Customer.Example', group_id: null, groups_to_display: null, message_id: null },
  ]
  const tokens = await make({ domain: 'Bounces.SHOP.example.', recipients })
  expect(tokens.map((token) => token.email)).toEqual([email, 'josé@xn--bcher-kva.example', email])
  const [first, second, third] = tokens
  expect(third).toEqual(first)
  expect(first?.return_path).toMatch(/^b[a-z2-7]{40}@bounces\.shop\.example$/)
  expect(second?.return_path).toMatch(/^b[a-z2-7]{53}@bounces\.shop\.example$/)
  const token = second?.unsubscribe_url.split('/u/')[1] ?? ''
  expect(second?.headers).toEqual({
    'List-Unsubscribe': `<${second?.unsubscribe_url}>, <mailto:unsubscribe@${domain}?subject=${token}>`,
    'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
    'CFBL-Address': `fbl@${domain}; report=arf`,
    'CFBL-Feedback-ID': second?.headers['X-Hearback-Ref'],
    'X-Hearback-Ref': expect.stringMatching(/^hb1_/),
  })
  const content = {
    tenantId: shop.tenantId,
    groupId: groups.live,
    groupsToDisplay: [groups.live, groups.second],
    messageReference: '0123456789abcdef',
    recipient: 'josé@xn--bcher-kva.example',
  }
  expect(await open(token)).toMatchObject({ ...content, purpose: 'unsubscribe' })
  expect(await open(second?.preferences_url.split('/p/')[1])).toMatchObject({
    ...content,
    purpose: 'preferences',
  })
  expect(await open(second?.headers['X-Hearback-Ref'])).toMatchObject({
    ...content,
    purpose: 'reference',
  })
})

test('a thousand at once, with one question for the key', async () => {
  const recipients = Array.from({ length: 1_000 }, (_, at) => ({
    email: `r${at}@customer.example`,
  }))
  const { newest } = door.keyring
  let asked = 0
  door.keyring.newest = (tenantId) => {
    asked++
    return newest(tenantId)
  }
  const tokens = await make({ domain, recipients })
  door.keyring.newest = newest
  expect(asked).toBe(1)
  expect(tokens.map((token) => token.email)).toEqual(recipients.map((one) => one.email))
  expect(new Set(tokens.map((token) => token.return_path)).size).toBe(1_000)
})

test('a key that was rotated signs from the next call on, and old tokens go on opening', async () => {
  const [before] = await make({ domain, recipients: [{ email }] })
  await addSigningKey(door.sql, door.secret, shop.tenantId)
  const [after] = await make({ domain, recipients: [{ email }] })
  expect(after?.unsubscribe_url).not.toBe(before?.unsubscribe_url)
  for (const made of [before, after]) {
    const token = made?.unsubscribe_url.split('/u/')[1]
    expect(await open(token)).toMatchObject({ recipient: email })
  }
})

describe('what the tenant does not have', () => {
  test.each(['absent.example', 'bounces.other.example', 'fbl.platform.example', 'no domain', ''])(
    'domain %j is refused with the same words',
    async (name) => {
      const reply = await ask({ domain: name, recipients: [{ email }] })
      expect(reply.status).toBe(400)
      expect(reply.json).toMatchObject({
        detail: [
          { loc: ['body', 'domain'], msg: 'Not a domain of this tenant', type: 'value_error' },
        ],
      })
    },
  )

  test.each(['deleted', 'foreign', 'absent'] as const)('a group that is %s', async (which) => {
    const id = which === 'absent' ? 2_000_000_000 : groups[which]
    const recipients = [
      { email, group_id: groups.live },
      { email, group_id: id, groups_to_display: [groups.live, id] },
    ]
    const reply = await ask({ domain, recipients })
    expect(reply.status).toBe(400)
    expect(reply.json).toMatchObject({
      detail: [
        { loc: ['body', 'recipients', 1, 'group_id'], msg: 'Not a group of this tenant' },
        { loc: ['body', 'recipients', 1, 'groups_to_display', 1] },
      ],
    })
  })
})

test.each([
  [{ recipients: [{ email }] }, ['domain']],
  [{ domain, recipients: [] }, ['recipients']],
  [{ domain, recipients: Array.from({ length: 1_001 }, () => ({ email })) }, ['recipients']],
  [{ domain, recipients: [{ email }, { email: 'nobody' }] }, ['recipients', 1, 'email']],
  [{ domain, recipients: [{ email, group_id: 0 }] }, ['recipients', 0, 'group_id']],
  [{ domain, recipients: [{ email, group_id: 2 ** 31 }] }, ['recipients', 0, 'group_id']],
  [
    { domain, recipients: [{ email, groups_to_display: Array.from({ length: 26 }, () => 1) }] },
    ['recipients', 0, 'groups_to_display'],
  ],
  [{ domain, recipients: [{ email, message_id: '' }] }, ['recipients', 0, 'message_id']],
  [{ domain, recipients: [{ email, message_id: '\ud800' }] }, ['recipients', 0, 'message_id']],
  [[], []],
])('a wrong body is refused as a whole: %#', async (body, loc) => {
  const reply = await ask(body)
  expect(reply.status).toBe(400)
  expect(reply.json).toMatchObject({ detail: [{ loc: ['body', ...loc] }] })
})

test('the scope feedback.tokens is needed', async () => {
  const { tenantId, key } = await door.addTenant()
  await addDomain('reader.example', tenantId)
  const body = { domain: 'reader.example', recipients: [{ email }] }
  expect((await ask(body, key)).status).toBe(403)
  expect((await ask(body, null)).status).toBe(401)
})

async function make(body: object): Promise<Made[]> {
  const reply = await ask(body)
  expect(reply.status).toBe(201)
  return (reply.json as { tokens: Made[] }).tokens
}

function ask(json: unknown, key: string | null = shop.key): Promise<Reply> {
  return door.call('POST', '/v3/feedback/tokens', { key, json })
}

function open(token = '') {
  return openSealed(token, door.keyring.byId)
}

async function addDomain(name: string, tenantId: number | null): Promise<void> {
  await addInboundDomain(door.sql, {
    domain: name,
    tenantId,
    accepts: 'signed',
    roleAddresses: [],
  })
}

async function addGroup(tenantId: number, name: string): Promise<number> {
  const [row] = await door.sql<{ groupId: number }[]>`
    insert into suppression_group (tenant_id, name)
    values (${tenantId}, ${name})
    returning group_id as "groupId"`
  return row?.groupId ?? 0
}
