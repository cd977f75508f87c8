import { uuidv7 } from 'uuidv7'
import { beforeAll, describe, expect, test } from 'vitest'
import { addInboundDomain } from '../../../src/tenant/inbound-domains.ts'
import { bounceOf, complaintAbout } from '../../support/pipeline.ts'
import { type Reply, useDoor } from '../door.ts'

const door = useDoor()
const domain = 'bounces.shop.example'
const jane = 'jane@customer.example'
const scopes = ['suppressions.read', 'suppressions.write', 'feedback.tokens'] as const
let shop: { tenantId: number; key: string }
let stranger: { tenantId: number; key: string }
let token: { return_path: string; headers: Record<string, string>; unsubscribe_url: string }

beforeAll(async () => {
  shop = await door.addTenant({ scopes: [...scopes] })
  stranger = await door.addTenant()
  await addInboundDomain(door.sql, {
    domain,
    tenantId: shop.tenantId,
    accepts: 'signed',
    roleAddresses: [],
  })
})

/** Unix seconds of the clock of the door. */
let clock = Date.UTC(2026, 10, 2, 8) / 1000

function later(seconds: number): Date {
  clock += seconds
  const now = new Date(clock * 1000)
  door.setNow(now)
  return now
}

async function deliver(raw: string, rcptTo: string): Promise<void> {
  const envelope = {
    mailFrom: '',
    rcptTo: [rcptTo],
    helo: 'mx.example.net',
    remoteAddress: '192.0.2.1',
    tls: false,
  }
  const message = { id: uuidv7(), receivedAt: later(60), envelope, raw: Buffer.from(raw) }
  const outcomes = await door.pipeline.processMessage(message)
  expect(outcomes).toMatchObject([{ result: 'recorded' }])
}

function ask(email: string, { key } = shop): Promise<Reply> {
  return door.call('GET', `/v3/suppression/addresses/${email}`, { key })
}

const iso = (seconds: number) => new Date(seconds * 1000).toISOString()

describe('GET /v3/suppression/addresses/{email}', () => {
  test('tells a story from its beginning: reports with their proof, clicks, changes by hand', async () => {
    later(0)
    const made = await door.call('POST', '/v3/feedback/tokens', {
      key: shop.key,
      json: { domain, recipients: [{ email: jane, message_id: '0123456789abcdef' }] },
    })
    token = (made.json as { tokens: [typeof token] }).tokens[0]
    await deliver(
      bounceOf([{ to: jane, status: '5.2.2', text: 'Mailbox full' }]),
      token.return_path,
    )
    const reference = `X-Hearback-Ref: ${token.headers['X-Hearback-Ref']}`
    await deliver(complaintAbout(null, 'abuse', reference), `fbl@${domain}`)
    later(60)
    const path = new URL(token.unsubscribe_url).pathname
    const body = 'List-Unsubscribe=One-Click'
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    expect((await door.call('POST', path, { body, headers })).status).toBe(200)
    later(60)
    const removed = await door.call('DELETE', `/v3/suppression/spam_reports/${jane}`, {
      key: shop.key,
      headers: { 'x-audit-reason': 'She asked us to, ticket 4711', 'x-request-id': 'request-1' },
    })
    expect(removed.status).toBe(204)
    const start = clock - 240
    const evidence = { message_reference: '0123456789abcdef', token_expired: false }

    const { status, json } = await ask('Jane@Customer.example')
    expect(status).toBe(200)
    expect(json).toEqual({
      email: jane,
      check: {
        email: jane,
        suppressed: true,
        reason: 'suppressed_bounce',
        lists: [
          {
            list: 'bounces',
            bounce_type: 'soft',
            since: start + 60,
            until: start + 60 + 14 * 86_400,
          },
          { list: 'global_unsubscribes', since: start + 180, until: null },
        ],
      },
      suppressions: [
        {
          list: 'bounces',
          since: start + 60,
          until: start + 60 + 14 * 86_400,
          bounce_type: 'soft',
          status: '5.2.2',
          reason: '550 5.2.2 Mailbox full',
          source: null,
          origin: 'report',
        },
        {
          list: 'global_unsubscribes',
          since: start + 180,
          until: null,
          bounce_type: null,
          status: null,
          reason: null,
          source: null,
          origin: 'recipient',
        },
      ],
      feedback: [
        expect.objectContaining({
          ...evidence,
          kind: 'bounce',
          reported_at: iso(start + 60),
          bounce_type: 'soft',
          classification: 'mailbox-full',
          rule: expect.any(String),
          evidence: 'return-path-token',
          remote_mta: 'mx.example.org',
          received_message: {
            id: expect.any(String),
            received_at: iso(start + 60),
            mail_from: '',
            rcpt_to: token.return_path,
            remote_address: '192.0.2.1',
            outcome: 'recorded',
          },
        }),
        expect.objectContaining({
          ...evidence,
          kind: 'spam-report',
          reported_at: iso(start + 120),
          feedback_type: 'abuse',
          source: 'ExampleFBL/1.0',
          source_ip: '192.0.2.7',
          evidence: 'sealed-token',
          received_message: expect.objectContaining({ rcpt_to: `fbl@${domain}` }),
        }),
        expect.objectContaining({
          ...evidence,
          kind: 'unsubscribe',
          reported_at: iso(start + 180),
          origin: 'recipient',
          via: 'one-click',
          evidence: 'sealed-token',
          received_message: null,
        }),
      ],
      audit: [
        {
          id: expect.any(String),
          happened_at: iso(start + 240),
          actor: { kind: 'api-key', id: expect.any(String), name: 'test' },
          action: 'suppression.remove',
          list: 'spam_reports',
          email: jane,
          entries: 1,
          reason: 'She asked us to, ticket 4711',
          request_id: 'request-1',
          detail: {},
        },
      ],
      truncated: false,
    })
  })

  test('404 for an address that nobody has ever said anything of, and of other tenants', async () => {
    expect((await ask('nobody@customer.example')).status).toBe(404)
    expect((await ask(jane, stranger)).status).toBe(404)
  })

  test('200 when the address is on no list any more, or has only been taken off one', async () => {
    later(60)
    const path = '/v3/asm/suppressions/global'
    const json = { recipient_emails: ['gone@customer.example'] }
    await door.call('POST', path, { key: shop.key, json })
    await door.call('DELETE', `${path}/gone@customer.example`, { key: shop.key })
    const { json: known } = await ask('gone@customer.example')
    expect(known).toMatchObject({
      check: { suppressed: false, reason: null, lists: [] },
      suppressions: [],
      feedback: [{ kind: 'unsubscribe', origin: 'api', evidence: null, received_message: null }],
      audit: [{ action: 'suppression.add' }, { action: 'suppression.remove' }],
    })
  })

  test('groups have their number and name', async () => {
    const group = await door.call('POST', '/v3/asm/groups', {
      key: shop.key,
      json: { name: 'News' },
    })
    const { id } = group.json as { id: number }
    const json = { recipient_emails: ['left@customer.example'] }
    await door.call('POST', `/v3/asm/groups/${id}/suppressions`, { key: shop.key, json })
    const { json: known } = await ask('left@customer.example')
    expect(known).toMatchObject({
      check: { suppressed: false },
      suppressions: [{ list: 'group_unsubscribes', group_id: id, group_name: 'News' }],
      feedback: [{ kind: 'unsubscribe', group_id: id }],
      audit: [{ action: 'suppression.add', group_id: id }],
    })
  })

  test('the words of the bounce that still stands, where a stronger one has lapsed', async () => {
    const email = 'again@customer.example'
    await door.sql`update tenant set hard_bounce_days = 1 where tenant_id = ${shop.tenantId}`
    await addOpenDomain()
    await deliver(bounceOf([{ to: email, text: 'No such user' }]), 'bounces@open.test')
    await deliver(bounceOf([{ to: email, status: '5.2.2', text: 'Full' }]), 'bounces@open.test')
    later(2 * 86_400)
    const { json } = await ask(email)
    expect(json).toMatchObject({
      check: { lists: [{ bounce_type: 'soft' }] },
      suppressions: [{ bounce_type: 'soft', status: '5.2.2', reason: '550 5.2.2 Full' }],
      feedback: [{ bounce_type: 'hard' }, { bounce_type: 'soft', evidence: 'unsigned' }],
    })
  })

  test('of very much the newest 500, and that there is more', async () => {
    const email = 'much@customer.example'
    await door.sql`
      insert into feedback (
        tenant_id, feedback_id, kind, recipient, reported_at, origin, reason)
      select ${shop.tenantId}, gen_random_uuid(), 'bounce', ${email},
        now() + make_interval(secs => n), 'report', n
      from generate_series(1, 600) as n`
    const { json } = await ask(email)
    const { feedback, truncated } = json as { feedback: { reason: string }[]; truncated: boolean }
    expect([feedback.length, feedback[0]?.reason, feedback.at(-1)?.reason]).toEqual([
      500,
      '101',
      '600',
    ])
    expect(truncated).toBe(true)
  })

  test.each(['no-address', '%00@example.com', 'a@b@', '%F0%28@example.com'])(
    '400 for %s',
    async (email) => {
      expect((await ask(email)).status).toBe(400)
    },
  )
})

async function addOpenDomain(): Promise<void> {
  await addInboundDomain(door.sql, {
    domain: 'open.test',
    tenantId: shop.tenantId,
    accepts: 'any',
    roleAddresses: [],
  })
}
