import { uuidv7 } from 'uuidv7'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Accepts } from '../../../src/feedback/inbound-domain.ts'
import { addInboundDomain } from '../../../src/tenant/inbound-domains.ts'
import { bounceOf, complaintAbout } from '../../support/pipeline.ts'
import { useDoor } from '../door.ts'

const door = useDoor()
let tenant: { tenantId: number; key: string }
let other: { tenantId: number; key: string }

beforeAll(async () => {
  tenant = await door.addTenant()
  other = await door.addTenant()
  await addDomain('signed.example.com', tenant.tenantId, 'signed')
  await addDomain('other.example.com', other.tenantId, 'signed')
  await addDomain('platform.example.com', null, 'signed')
})

async function addDomain(domain: string, tenantId: number | null, accepts: Accepts): Promise<void> {
  await addInboundDomain(door.sql, { domain, tenantId, accepts, roleAddresses: [] })
}

async function deliver(
  raw: string | Buffer,
  rcptTo: string,
  { receivedAt = new Date(), mailFrom = '' } = {},
): Promise<void> {
  const envelope = {
    mailFrom,
    rcptTo: [rcptTo],
    helo: 'mx.example.net',
    remoteAddress: '192.0.2.1',
    tls: true,
  }
  await door.pipeline.processMessage({
    id: uuidv7(),
    receivedAt,
    envelope,
    raw: Buffer.from(raw),
  })
}

type Message = { id: string; outcome: string; received_at: string; rcpt_to: string }

async function list(query = '', key = tenant.key): Promise<Message[]> {
  const { status, json } = await door.call('GET', `/v3/feedback/messages${query}`, { key })
  expect(status).toBe(200)
  return (json as { messages: Message[] }).messages
}

async function newest(outcome: string): Promise<string> {
  const [message] = await list(`?outcome=${outcome}&limit=1`)
  return message?.id ?? ''
}

function get(path: string, key = tenant.key) {
  return door.call('GET', `/v3/feedback/messages/${path}`, { key })
}

function release(id: string, json: unknown, key = tenant.key) {
  return door.call('POST', `/v3/feedback/messages/${id}/release`, { key, json })
}

async function listed(address: string): Promise<string[]> {
  const rows = await door.sql`
    select list from suppression where tenant_id = ${tenant.tenantId} and address = ${address}`
  return rows.map((row) => row['list'])
}

const bounces = 'bounces@signed.example.com'

describe('GET /v3/feedback/messages', () => {
  const start = Date.parse('2026-11-21T10:00:00Z')
  beforeAll(async () => {
    for (let n = 0; n < 5; n++) {
      await deliver(bounceOf([{ to: `p${n}@example.com` }]), bounces, {
        receivedAt: new Date(start + n * 1000),
      })
    }
    // Of the same millisecond as the last one.
    await deliver('Subject: hello\r\n\r\nwhat is this?', bounces, {
      receivedAt: new Date(start + 4000),
    })
    await deliver(bounceOf([{ to: 'else@example.com' }]), 'bounces@other.example.com')
    await deliver(bounceOf([{ to: 'nobody@example.com' }]), 'bounces@platform.example.com')
  })

  test('newest first, with what became of each', async () => {
    const messages = await list()
    expect(messages).toHaveLength(6)
    expect(messages.at(-1)).toEqual({
      id: expect.any(String),
      received_at: '2026-11-21T10:00:00.000Z',
      outcome: 'unattributed',
      outcome_reason: 'no-token',
      released_at: null,
      type: 'delivery-status',
      format: 'rfc3464',
      mail_from: '',
      rcpt_to: bounces,
      helo: 'mx.example.net',
      remote_address: '192.0.2.1',
      tls: true,
      size_bytes: expect.any(Number),
      has_raw: true,
    })
    const times = messages.map((message) => message.received_at)
    expect(times).toEqual([...times].sort().reverse())
  })

  test('by outcome and by time', async () => {
    expect(await list('?outcome=quarantined')).toMatchObject([{ outcome: 'quarantined' }])
    expect(await list('?outcome=recorded')).toEqual([])
    const seconds = start / 1000
    expect(await list(`?start_time=${seconds + 1}&end_time=${seconds + 2}`)).toHaveLength(2)
  })

  test('page by page through the Link field, each once, also within one millisecond', async () => {
    const seen: string[] = []
    let path: string | undefined = '/v3/feedback/messages?limit=2'
    while (path !== undefined) {
      const { json, headers } = await door.call('GET', path, { key: tenant.key })
      seen.push(...(json as { messages: Message[] }).messages.map(({ id }) => id))
      path = /<([^>]+)>; rel="next"/.exec(headers.get('link') ?? '')?.[1]
    }
    expect(seen).toEqual((await list()).map(({ id }) => id))
  })

  test.each(['bm9uZQ', 'W10', 'WzEsImEiXQ'])('400 for the cursor %s', async (cursor) => {
    const path = `/v3/feedback/messages?cursor=${cursor}`
    expect((await door.call('GET', path, { key: tenant.key })).status).toBe(400)
  })

  test('mail of other tenants and of the platform is not there, in no way', async () => {
    const rows = await door.sql`
      select received_message_id as id from received_message where tenant_id <> ${tenant.tenantId}`
    expect(rows.length).toBeGreaterThan(1)
    for (const { id } of rows) {
      expect((await get(id)).status).toBe(404)
      expect((await get(`${id}/raw`)).status).toBe(404)
      expect((await release(id, { all: true })).status).toBe(404)
    }
  })
})

describe('GET /v3/feedback/messages/{id}', () => {
  test('header, text, what was read in it', async () => {
    await deliver(
      bounceOf([{ to: 'seen@example.com' }], {
        fields: 'To: =?utf-8?q?B=C3=BCcher?= <bounces@signed.example.com>',
      }),
      bounces,
    )
    const { json } = await get(await newest('unattributed'))
    expect(json).toMatchObject({
      outcome: 'unattributed',
      headers: expect.arrayContaining([
        { name: 'subject', value: 'Undelivered Mail Returned to Sender' },
        { name: 'to', value: 'Bücher <bounces@signed.example.com>' },
      ]),
      parts: ['multipart/report', 'text/plain', 'message/delivery-status', 'text/rfc822-headers'],
      text: expect.stringContaining('This is the mail system at host mx.example.net.'),
      text_cut: false,
      report: { type: 'delivery-status', recipients: [{ finalRecipient: 'seen@example.com' }] },
      feedback: [],
    })
  })

  test('HTML comes as text, never as markup', async () => {
    const html = '<html><body onload="steal()"><p>Your <b>mail</b></p><script>steal()</script>'
    await deliver(`Subject: x\r\nContent-Type: text/html\r\n\r\n${html}`, bounces)
    const { json } = await get(await newest('quarantined'))
    expect(json).toMatchObject({ text: 'Your mail' })
  })

  test('a message whose bytes are gone says so and shows what is left', async () => {
    const id = await newest('unattributed')
    await door.sql`delete from raw_message`
    expect((await get(id)).json).toMatchObject({
      has_raw: false,
      headers: [],
      text: null,
      report: { type: 'delivery-status' },
    })
    expect((await get(`${id}/raw`)).status).toBe(404)
  })

  test.each(['00000000-0000-7000-8000-000000000000', 'x', '1'])('%s is not there', async (id) => {
    expect([400, 404]).toContain((await get(id)).status)
  })
})

describe('GET /v3/feedback/messages/{id}/raw', () => {
  test('the bytes as they came, as a file that no browser takes for anything else', async () => {
    const raw = Buffer.concat([
      Buffer.from('Subject: <script>\r\nContent-Type: text/html\r\n\r\n<b>'),
      Buffer.from([0, 255, 128, 10]),
    ])
    await deliver(raw, bounces)
    const id = await newest('quarantined')
    const response = await fetch(`${door.url}/v3/feedback/messages/${id}/raw`, {
      headers: { authorization: `Bearer ${tenant.key}` },
    })
    expect(Buffer.from(await response.arrayBuffer())).toEqual(raw)
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'message/rfc822',
      'content-disposition': `attachment; filename=${id}.eml`,
      'x-content-type-options': 'nosniff',
      'content-security-policy': expect.stringContaining("default-src 'none'"),
    })
  })
})

describe('POST /v3/feedback/messages/{id}/release', () => {
  test('puts those onto the lists for whom somebody vouches, and nobody else', async () => {
    const named = [{ to: 'one@example.com' }, { to: 'two@example.com', status: '5.2.2' }]
    await deliver(bounceOf(named), bounces)
    const id = await newest('unattributed')
    expect((await release(id, { recipients: ['One@Example.com'] })).json).toEqual({
      vouched_for: true,
      recipients: [{ email: 'one@example.com', kind: 'bounce', bounce_type: 'hard', listed: true }],
    })
    expect(await listed('one@example.com')).toEqual(['bounces'])
    expect(await listed('two@example.com')).toEqual([])
    expect((await get(id)).json).toMatchObject({
      outcome: 'recorded',
      released_at: expect.any(String),
      feedback: [{ email: 'one@example.com', kind: 'bounce', withdrawn_by: null }],
    })
    const [row] = await door.sql`
      select evidence from feedback where recipient = 'one@example.com'`
    expect(row).toEqual({ evidence: 'unsigned' })
    const audited = await door.sql`
      select action, address, actor_kind from audit_entry
      where tenant_id = ${tenant.tenantId} and address = 'one@example.com'`
    expect(audited).toEqual([
      { action: 'message.release', address: 'one@example.com', actorKind: 'api-key' },
    ])
  })

  test('a second time there is nothing to decide', async () => {
    const id = await newest('recorded')
    expect((await release(id, { all: true })).status).toBe(409)
  })

  test.each([
    [{}, 'Say for whom you vouch'],
    [{ all: true, recipients: ['a@example.com'] }, 'Say for whom you vouch'],
    [{ all: false }, 'expected true'],
    [{ recipients: [] }, ''],
    [{ recipients: ['victim@example.com'] }, 'does not name all of these'],
    [{ recipients: ['named@example.com', 'victim@example.com'] }, 'does not name all of these'],
  ])('%j: 400, and nobody is listed', async (body, said) => {
    await deliver(bounceOf([{ to: 'named@example.com' }]), bounces)
    const { status, text } = await release(await newest('unattributed'), body)
    expect(status).toBe(400)
    expect(text).toContain(said)
    expect(await listed('victim@example.com')).toEqual([])
    expect(await listed('named@example.com')).toEqual([])
  })

  test('a complaint about somebody', async () => {
    await deliver(complaintAbout('unhappy@example.com'), 'fbl@signed.example.com')
    const { json } = await release(await newest('unattributed'), { all: true })
    expect(json).toMatchObject({ recipients: [{ kind: 'spam-report', listed: true }] })
    expect(await listed('unhappy@example.com')).toEqual(['spam_reports'])
  })

  test('what has lapsed since it came is recorded, but not listed', async () => {
    const receivedAt = new Date(Date.now() - 60 * 86_400_000)
    await deliver(bounceOf([{ to: 'late@example.com', status: '5.2.2', text: 'full' }]), bounces, {
      receivedAt,
    })
    const [message] = (await list('?outcome=unattributed&limit=500')).reverse()
    const { json } = await release(message?.id ?? '', { all: true })
    expect(json).toMatchObject({ recipients: [{ email: 'late@example.com', listed: false }] })
    expect(await listed('late@example.com')).toEqual([])
  })

  test('a request to unsubscribe from just anybody cannot be vouched for', async () => {
    const request = 'From: victim@example.com\r\nSubject: unsubscribe\r\n\r\nunsubscribe'
    await deliver(request, 'unsubscribe@signed.example.com', { mailFrom: 'victim@example.com' })
    const { status } = await release(await newest('unattributed'), { all: true })
    expect(status).toBe(409)
    expect(await listed('victim@example.com')).toEqual([])
  })

  test('two at the same moment: one of them does it', async () => {
    await deliver(bounceOf([{ to: 'race@example.com' }]), bounces)
    const id = await newest('unattributed')
    const replies = await Promise.all([1, 2, 3].map(() => release(id, { all: true })))
    expect(replies.map(({ status }) => status).sort()).toEqual([200, 409, 409])
    const rows = await door.sql`select 1 from feedback where recipient = 'race@example.com'`
    expect(rows).toHaveLength(1)
  })

  test('a key that may only read may not release', async () => {
    const { key } = await door.addTenant({ scopes: ['suppressions.read'] })
    expect((await release(uuidv7(), { all: true }, key)).status).toBe(403)
  })
})

describe('POST /v3/feedback/messages/{id}/replay', () => {
  const replay = (id: string, query = '', key = tenant.key) =>
    door.call('POST', `/v3/feedback/messages/${id}/replay${query}`, { key })
  const accept = (accepts: Accepts) => door.sql`
    update inbound_domain set accepts = ${accepts} where domain = 'signed.example.com'`
  const told = {
    before: { outcome: 'unattributed', outcome_reason: 'no-token' },
    after: { outcome: 'recorded', outcome_reason: null },
    changes: [
      {
        email: 'again@example.com',
        before: null,
        after: {
          kind: 'bounce',
          bounce_type: 'hard',
          classification: 'user-unknown',
          rule: expect.any(String),
          status: '5.1.1',
          reason: '550 5.1.1 User unknown',
          token_expired: false,
        },
        list: { before: null, after: { bounce_type: 'hard', until: null } },
      },
    ],
  }

  test('says what would change, changes it, and has nothing to change then', async () => {
    await deliver(bounceOf([{ to: 'again@example.com' }]), bounces)
    const id = await newest('unattributed')
    await accept('any')
    expect(await replay(id, '?dry_run=true')).toMatchObject({ status: 200, json: told })
    expect(await listed('again@example.com')).toEqual([])
    expect(await replay(id)).toMatchObject({ status: 200, json: told })
    expect(await listed('again@example.com')).toEqual(['bounces'])
    const same = { outcome: 'recorded', outcome_reason: null }
    expect((await replay(id)).json).toEqual({ before: same, after: same, changes: [] })
    const audited = await door.sql`
      select action, address, actor_kind from audit_entry
      where tenant_id = ${tenant.tenantId} and address = 'again@example.com'`
    expect(audited).toEqual([
      { action: 'message.replay', address: 'again@example.com', actorKind: 'api-key' },
    ])
    await accept('signed')
  })

  test('409 when nothing of it is kept', async () => {
    await deliver(bounceOf([{ to: 'forgotten@example.com' }]), bounces)
    const id = await newest('unattributed')
    await door.sql`update received_message set report = null where received_message_id = ${id}`
    await door.sql`delete from raw_message`
    expect((await replay(id)).status).toBe(409)
  })

  test('404 for what is not there, 403 for a key that may only read', async () => {
    expect((await replay(uuidv7())).status).toBe(404)
    expect((await replay(await newest('unattributed'), '', other.key)).status).toBe(404)
    const { key } = await door.addTenant({ scopes: ['suppressions.read'] })
    expect((await replay(uuidv7(), '', key)).status).toBe(403)
  })
})
