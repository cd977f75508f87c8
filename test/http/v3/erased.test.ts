import { uuidv7 } from 'uuidv7'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { erase } from '../../../src/erase.ts'
import { addInboundDomain } from '../../../src/tenant/inbound-domains.ts'
import { bounceOf, complaintAbout } from '../../support/pipeline.ts'
import { useDoor } from '../door.ts'

const door = useDoor()
const by = {
  actor: { kind: 'command', id: 'operator', name: null },
  reason: null,
  requestId: null,
} as const
let tenant: { tenantId: number; key: string }

beforeAll(async () => {
  tenant = await door.addTenant()
  await addInboundDomain(door.sql, {
    domain: 'bounces.test',
    tenantId: tenant.tenantId,
    accepts: 'any',
    roleAddresses: [],
  })
  await addInboundDomain(door.sql, {
    domain: 'signed.example.com',
    tenantId: tenant.tenantId,
    accepts: 'signed',
    roleAddresses: [],
  })
})

async function deliver(raw: string, rcptTo = 'bounces@bounces.test', mailFrom = ''): Promise<void> {
  const envelope = { mailFrom, rcptTo: [rcptTo], helo: 'mx', remoteAddress: '192.0.2.1', tls: true }
  const message = { id: uuidv7(), receivedAt: new Date(), envelope, raw: Buffer.from(raw) }
  await door.pipeline.processMessage(message)
}

function call(method: string, path: string, json?: unknown) {
  return door.call(method, `/v3${path}`, { key: tenant.key, json })
}

async function check(email: string) {
  const { json } = await call('POST', '/suppression/check', { emails: [email, 'ok@example.com'] })
  return (json as { results: { email: string; suppressed: boolean; reason: string | null }[] })
    .results
}

/** As soon as the door has noticed the first erasure; nothing else is under way here. */
async function forget(address: string, settleMs = 0) {
  const deps = { db: door.db, secret: door.secret, now: () => new Date(), settleMs }
  return erase(deps, { address, tenantIds: [tenant.tenantId], strangers: [0] }, by)
}

/** Every text of every table, as an operator with a dump would look through it. */
async function mentions(text: string): Promise<string[]> {
  const tables = await door.sql`
    select table_name from information_schema.tables
    where table_schema = 'public' and table_type = 'BASE TABLE'`
  const found: string[] = []
  for (const { tableName } of tables) {
    const rows = await door.sql`
      select 1 from ${door.sql(tableName)} as t
      where position(${text} in lower(t::text)) > 0
        or position(${Buffer.from(text).toString('hex')} in t::text) > 0
      limit 1`
    if (rows.length > 0) found.push(tableName)
  }
  return found
}

afterEach(async () => {
  const wrong = await door.sql`
    select list, c.entries as counted, s.entries as listed
    from (select list, sum(entries) as entries from suppression_count group by 1) as c
    full join (
      select list, count(*) as entries from suppression
      where not starts_with(address, 'erased:') group by 1
    ) as s using (list)
    where coalesce(c.entries, 0) <> coalesce(s.entries, 0)`
  expect(wrong).toEqual([])
})

describe('a person who was erased', () => {
  const jane = 'jane@example.com'
  beforeAll(async () => {
    const { key } = tenant
    await deliver(bounceOf([{ to: 'Jane@Example.com', text: 'no <jane@example.com> here' }]))
    await deliver(complaintAbout(jane))
    await call('POST', '/suppression/bounces', { email: jane, reason: 'Jane Doe rang us' })
    await call('POST', '/asm/suppressions/global', {
      recipient_emails: [jane, 'other@example.com'],
    })
    // Mentioned where nothing was recorded: unattributed, unreadable, a vacation notice.
    await deliver(bounceOf([{ to: jane }]), 'bounces@signed.example.com')
    await deliver(`Subject: ?\r\n\r\nwho is ${jane}?`)
    await deliver(`From: ${jane}\r\nAuto-Submitted: auto-replied\r\n\r\nI am away`, undefined, jane)
    await deliver(bounceOf([{ to: 'mary-jane@example.com' }]), 'bounces@signed.example.com')
    expect(key).toBeTruthy()
    const erased = await forget(jane, 5_100)
    expect(erased).toMatchObject({ entries: 3, feedback: 4, auditEntries: 2 })
  })

  test('is in no table any more', async () => {
    expect(await mentions(`<${jane}>`)).toEqual([])
    expect(await mentions(` ${jane}`)).toEqual([])
    expect(await mentions(`"${jane}"`)).toEqual([])
    expect(await mentions('jane doe')).toEqual([])
    const plain = await mentions(jane)
    // Somebody else, whose address ends like hers.
    expect(plain.sort()).toEqual(['raw_message', 'received_message'])
  })

  test('goes on being blocked, on both doors of the check', async () => {
    const expected = [
      { email: jane, suppressed: true, reason: 'suppressed_bounce' },
      { email: 'ok@example.com', suppressed: false, reason: null },
    ]
    expect(await check('Jane@Example.com')).toMatchObject(expected)
    expect(await check(jane)).toMatchObject(expected)
    const { json } = await call('GET', `/suppression/check/${jane}`)
    expect(json).toMatchObject({ results: [expected[0]] })
  })

  test('is on no page, in no total and no export', async () => {
    for (const path of ['/suppression/bounces', '/suppression/spam_reports']) {
      const { text, json } = await call('GET', path)
      expect(text).not.toContain('erased')
      expect(json).toMatchObject({ total: 0 })
    }
    const { json } = await call('GET', '/asm/suppressions/global')
    expect(json).toMatchObject({ recipient_emails: ['other@example.com'], total: 1 })
    const { text } = await call('GET', '/suppression/bounces/export?format=csv')
    expect(text).not.toContain('erased')
    expect((await call('GET', '/audit')).text).not.toContain('erased:')
    expect((await call('GET', '/stats?start_date=2026-01-01&by=domain')).text).not.toContain(
      'erased',
    )
  })

  test('is paged through by the address, never by what stands for it', async () => {
    const pages: string[] = []
    for (let path: string | undefined = `/audit?email=${jane}&limit=1`; path !== undefined; ) {
      const { status, text, headers } = await call('GET', path)
      expect(status).toBe(200)
      pages.push(text)
      const link: string = headers.get('link') ?? ''
      expect(decodeURIComponent(link)).not.toContain('erased')
      path = /^<\/v3([^>]+)>/.exec(link)?.[1]
    }
    expect(pages.filter((text) => text.includes('suppression.add'))).toHaveLength(2)
    // Cursors of lists hold an address; here it stands alone.
    const { headers, json } = await call('GET', `/suppression/bounces?email=${jane}&limit=1`)
    expect(json).toMatchObject({ bounces: [{ email: jane }] })
    expect(headers.get('link')).toBeNull()
  })

  test('is found by whoever knows the address, without a word of the reports', async () => {
    const { status, json, text } = await call('GET', `/suppression/bounces/${jane}`)
    expect(status).toBe(200)
    expect(json).toMatchObject([{ email: jane }, { email: jane }])
    expect(text).not.toMatch(/erased|rang|here/)
    const known = await call('GET', `/suppression/addresses/${jane}`)
    expect(known.json).toMatchObject({ email: jane, check: { suppressed: true } })
    expect(known.text).not.toContain('erased:')
  })

  test('is not written down again by reports, clicks and clients', async () => {
    await deliver(bounceOf([{ to: jane, text: `${jane} is gone` }], { fields: 'X-N: 2' }))
    await deliver(bounceOf([{ to: jane }], { fields: 'X-N: 3' }), 'bounces@signed.example.com')
    const remove = `From: ${jane}\r\nSubject: unsubscribe\r\n\r\nunsubscribe`
    await deliver(remove, 'unsubscribe@signed.example.com', jane)
    const added = await call('POST', '/suppression/bounces', { email: jane, bounce_type: 'soft' })
    expect(added).toMatchObject({ status: 201, json: { email: jane } })
    const csv = { key: tenant.key, body: `email,reason\n${jane},Jane Doe again\n` }
    const headers = { 'content-type': 'text/csv' }
    const path = '/v3/suppression/bounces/import'
    const imported = await door.call('POST', path, { ...csv, headers })
    expect(imported).toMatchObject({ status: 200 })
    expect(await mentions('jane doe')).toEqual([])
    const token = await door.seal({ tenantId: tenant.tenantId, recipient: jane })
    await fetch(`${door.url}/u/${token}`, {
      method: 'POST',
      body: new URLSearchParams({ 'List-Unsubscribe': 'One-Click' }),
    })
    expect((await mentions(jane)).sort()).toEqual(['raw_message', 'received_message'])
    expect(await mentions(` ${jane}`)).toEqual([])
  })

  test('can be taken off a list by the address', async () => {
    expect((await call('DELETE', `/suppression/bounces/${jane}`)).status).toBe(204)
    expect((await call('GET', `/suppression/bounces/${jane}`)).status).toBe(404)
    expect((await check(jane))[0]).toMatchObject({ reason: 'suppressed_spam' })
  })

  test('can be erased again, which changes nothing', async () => {
    expect(await forget(jane)).toMatchObject({ entries: 0, feedback: 0, auditEntries: 0 })
  })
})

test('a hash is no address: nobody can ask by it', async () => {
  const [row] = await door.sql`select address from erased_address`
  const path = `/suppression/check/${encodeURIComponent(row?.['address'])}`
  expect((await call('GET', path)).status).toBe(400)
})

test('the hash of one tenant is not that of another', async () => {
  const other = await door.addTenant()
  const deps = { db: door.db, secret: door.secret, now: () => new Date(), settleMs: 0 }
  const whom = { address: 'jane@example.com', tenantIds: [other.tenantId], strangers: [] }
  await erase(deps, whom, by)
  const rows = await door.sql`select distinct address from erased_address`
  expect(rows).toHaveLength(2)
})

test('an import of events tells of the person no longer', async () => {
  await call('POST', '/asm/suppressions/global', { recipient_emails: ['stays@example.com'] })
  await door.sql`
    insert into outbox (tenant_id, outbox_id, written_at, change, list, group_id, address, detail)
    values (${tenant.tenantId}, ${uuidv7()}, now(), 'added', 'bounces', 0, null,
      ${door.sql.json({ addresses: ['gone@example.com', 'stays@example.com'] })})`
  await forget('gone@example.com')
  const [row] = await door.sql`select detail::text from outbox where address is null`
  expect(JSON.parse(row?.['detail'])).toEqual({ addresses: ['stays@example.com'] })
})
