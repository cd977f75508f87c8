import { request } from 'node:http'
import { describe, expect, test } from 'vitest'
import { type Reply, useDoor } from '../door.ts'

const door = useDoor()

const bounces = '/v3/suppression/bounces'
const spamReports = '/v3/suppression/spam_reports'
const unsubscribes = '/v3/asm/suppressions/global'

async function post(key: string, path: string, body: string, headers = {}): Promise<Reply> {
  return door.call('POST', `${path}/import`, {
    key,
    body,
    headers: { 'content-type': 'text/csv', ...headers },
  })
}

async function listed(tenantId: number) {
  const rows = await door.sql`
    select address, list, group_id, created_at, origin, expires_at, suppresses_until::text,
      hard_until::text, soft_until::text, bounce_class, status, reason, source
    from suppression where tenant_id = ${tenantId} order by address collate "C", list`
  return [...rows]
}

const result = (imported: number, skipped: number, errors: object[] = []) => {
  return { imported, skipped, errors }
}

describe('bounces', () => {
  test('as the contract has it: what was imported, and what is wrong in which line', async () => {
    const { tenantId, key } = await door.addTenant()
    const file = [
      'email,reason',
      'One@Example.com,550 5.1.1 User unknown',
      'not-an-email,x',
      '"two@example.com","full, ""very""',
      'still"',
      'one@example.com,again',
      '',
      'three@,x',
    ].join('\n')
    const reply = await post(key, bounces, file)
    expect(reply.status).toBe(200)
    expect(reply.json).toEqual(
      result(2, 1, [
        { row: 3, email: 'not-an-email', error: 'Invalid email format' },
        { row: 8, email: 'three@', error: 'Invalid email format' },
      ]),
    )
    expect(reply.headers.get('x-import-errors')).toBe('2')
    expect(await listed(tenantId)).toMatchObject([
      {
        address: 'one@example.com',
        reason: '550 5.1.1 User unknown',
        bounceClass: 'hard',
        origin: 'import',
        expiresAt: null,
        suppressesUntil: 'infinity',
        hardUntil: 'infinity',
      },
      { address: 'two@example.com', reason: 'full, "very"\nstill' },
    ])
    expect((await door.call('GET', bounces, { key })).json).toMatchObject({ total: 2 })
  })

  test('again: nothing changes', async () => {
    const { tenantId, key } = await door.addTenant()
    const file = 'email\na@example.com\nb@example.com\n'
    expect((await post(key, bounces, file)).json).toEqual(result(2, 0))
    const before = await listed(tenantId)
    expect((await post(key, bounces, file.replace('email', 'email,reason'))).json).toEqual(
      result(0, 2),
    )
    expect(await listed(tenantId)).toEqual(before)
    expect((await door.call('GET', bounces, { key })).json).toMatchObject({ total: 2 })
  })

  test('of an own export keep their type and their date; ?bounce_type= is for those that have none', async () => {
    const { tenantId, key } = await door.addTenant()
    const file = 'email,bounce_type,created\na@example.com,soft,1714060800\nb@example.com,,\n'
    const reply = await post(key, bounces, file)
    expect(reply.json).toEqual(result(2, 0))
    expect(await listed(tenantId)).toMatchObject([
      {
        bounceClass: 'soft',
        softUntil: 'infinity',
        hardUntil: null,
        createdAt: new Date(1714060800_000),
      },
      { bounceClass: 'hard' },
    ])
    const blocks = await door.call('POST', `${bounces}/import?bounce_type=block`, {
      key,
      body: 'email\nc@example.com',
      headers: { 'content-type': 'text/csv' },
    })
    expect(blocks.json).toEqual(result(1, 0))
    expect((await listed(tenantId))[2]).toMatchObject({ bounceClass: 'block' })
  })
})

describe('an address that is listed already', () => {
  /** A bounce that was reported, and lapses. */
  async function lapsing(tenantId: number, address: string, bounceClass: string) {
    const until = new Date(Date.now() + 86_400_000)
    const column = door.sql(`${bounceClass}_until`)
    await door.sql`
      insert into suppression (
        tenant_id, address, list, created_at, origin, expires_at, suppresses_until, ${column},
        bounce_class, reason)
      values (${tenantId}, ${address}, 'bounces', '2026-01-01', 'report', ${until}, ${until},
        ${until}, ${bounceClass}, 'reported')`
  }

  test('for a time stays until removed from now on, and the line stands in its history', async () => {
    const { tenantId, key } = await door.addTenant()
    await lapsing(tenantId, 'soft@example.com', 'soft')
    await lapsing(tenantId, 'hard@example.com', 'hard')
    const file = 'email,reason,status\nsoft@example.com,imported,5.1.1\nhard@example.com,,'
    expect((await post(key, bounces, file)).json).toEqual(result(2, 0))
    expect(await listed(tenantId)).toMatchObject([
      { address: 'hard@example.com', expiresAt: null, hardUntil: 'infinity' },
      {
        address: 'soft@example.com',
        createdAt: new Date('2026-01-01'),
        expiresAt: null,
        suppressesUntil: 'infinity',
        bounceClass: 'hard',
        reason: 'imported',
      },
    ])
    const one = await door.call('GET', `${bounces}/soft@example.com`, { key })
    expect(one.json).toMatchObject([{ bounce_type: 'hard', reason: 'imported', status: '5.1.1' }])
    const again = await post(key, bounces, file)
    expect(again.json).toEqual(result(0, 2))
  })

  test('as a weaker bounce becomes the stronger one; the other way round nothing changes', async () => {
    const { tenantId, key } = await door.addTenant()
    const add = (type: string) =>
      door.call('POST', bounces, { key, json: { email: 'a@example.com', bounce_type: type } })
    await add('block')
    expect((await post(key, bounces, 'email,bounce_type\na@example.com,soft')).json).toEqual(
      result(1, 0),
    )
    expect((await post(key, bounces, 'email,bounce_type\na@example.com,block')).json).toEqual(
      result(0, 1),
    )
    expect((await post(key, bounces, 'email\na@example.com')).json).toEqual(result(1, 0))
    expect((await post(key, bounces, 'email,bounce_type\na@example.com,soft')).json).toEqual(
      result(0, 1),
    )
    expect(await listed(tenantId)).toMatchObject([{ bounceClass: 'hard' }])
    const one = await door.call('GET', `${bounces}/a@example.com`, { key })
    expect(one.json).toMatchObject([
      { bounce_type: 'hard' },
      { bounce_type: 'soft' },
      { bounce_type: 'block' },
    ])
  })

  test('but only for the record suppresses from now on', async () => {
    const { tenantId, key } = await door.addTenant()
    await lapsing(tenantId, 'a@example.com', 'soft')
    await door.sql`
      update suppression set suppresses_until = null, expires_at = null where tenant_id = ${tenantId}`
    expect((await post(key, bounces, 'email,bounce_type\na@example.com,soft')).json).toEqual(
      result(1, 0),
    )
    expect(await listed(tenantId)).toMatchObject([{ suppressesUntil: 'infinity' }])
  })

  test('twice in one file: the strongest row counts, in whatever order', async () => {
    const { tenantId, key } = await door.addTenant()
    const file =
      'email,bounce_type,reason\na@example.com,soft,1\na@example.com,hard,2\na@example.com,hard,3\na@example.com,block,4'
    expect((await post(key, bounces, file)).json).toEqual(result(1, 3))
    expect(await listed(tenantId)).toMatchObject([{ bounceClass: 'hard', reason: '2' }])
  })
})

describe('the line that put an address onto the list', () => {
  test('is its own occurrence, also when others follow', async () => {
    const { key } = await door.addTenant()
    const file = 'email,reason,bounce_type,status,created\na@example.com,old,soft,4.2.2,1714060800'
    await post(key, bounces, file)
    const line = {
      email: 'a@example.com',
      created: 1714060800,
      reason: 'old',
      bounce_type: 'soft',
      status: '4.2.2',
    }
    const one = () => door.call('GET', `${bounces}/a@example.com`, { key })
    expect((await one()).json).toEqual([line])
    const later = { email: 'a@example.com', bounce_type: 'hard', reason: 'new' }
    await door.call('POST', bounces, { key, json: later })
    expect((await one()).json).toEqual([
      expect.objectContaining({ bounce_type: 'hard', reason: 'new' }),
      line,
    ])
    expect((await door.call('GET', bounces, { key })).json).toMatchObject({
      bounces: [{ bounce_type: 'hard', reason: 'new', created: 1714060800 }],
      total: 1,
    })
    await door.call('DELETE', `${bounces}/a@example.com`, { key })
    expect((await one()).status).toBe(404)
  })

  test('of a spam report too', async () => {
    const { key } = await door.addTenant()
    await post(key, spamReports, 'email,source\na@example.com,ticket 1')
    await door.call('POST', spamReports, { key, json: { email: 'a@example.com', source: 'b' } })
    const one = await door.call('GET', `${spamReports}/a@example.com`, { key })
    expect(one.json).toMatchObject([{ source: 'b' }, { source: 'ticket 1' }])
  })
})

describe('other lists', () => {
  test('spam reports: email, source', async () => {
    const { tenantId, key } = await door.addTenant()
    const reply = await post(key, spamReports, 'source,email\n"a, b",x@example.com\n,y@example.com')
    expect(reply.json).toEqual(result(2, 0))
    expect(await listed(tenantId)).toMatchObject([
      { list: 'spam_reports', address: 'x@example.com', source: 'a, b', bounceClass: null },
      { list: 'spam_reports', address: 'y@example.com', source: null },
    ])
  })

  test('global unsubscribes: email', async () => {
    const { key } = await door.addTenant()
    expect((await post(key, unsubscribes, 'a@example.com\nb@example.com')).json).toEqual(
      result(2, 0),
    )
    const one = await door.call('GET', `${unsubscribes}/a@example.com`, { key })
    expect(one.json).toEqual({ recipient_email: 'a@example.com' })
  })

  test('of a group: unknown to others, 404 when there is none', async () => {
    const { key } = await door.addTenant()
    const made = await door.call('POST', '/v3/asm/groups', { key, json: { name: 'News' } })
    const { id } = made.json as { id: number }
    const group = `/v3/asm/groups/${id}/suppressions`
    expect((await post(key, group, 'email\na@example.com\na@example.com')).json).toEqual(
      result(1, 1),
    )
    expect((await door.call('GET', group, { key })).json).toEqual({
      recipient_emails: ['a@example.com'],
      total: 1,
    })
    const other = await door.addTenant()
    expect((await post(other.key, group, 'email\na@example.com')).status).toBe(404)
    await door.call('DELETE', `/v3/asm/groups/${id}`, { key })
    expect((await post(key, group, 'email\na@example.com')).status).toBe(404)
    expect((await post(key, '/v3/asm/groups/x/suppressions', 'email')).status).toBe(400)
  })

  test('a row that belongs elsewhere is told', async () => {
    const { tenantId, key } = await door.addTenant()
    const file =
      'EmailAddress,SuppressionReason,Origin,CreatedAt\na@example.com,HardBounce,Recipient,\nb@example.com,SpamComplaint,Recipient,'
    expect((await post(key, bounces, file)).json).toEqual(
      result(1, 0, [
        { row: 3, email: 'b@example.com', error: 'Belongs on spam_reports, not on bounces' },
      ]),
    )
    expect(await listed(tenantId)).toMatchObject([
      { address: 'a@example.com', source: 'postmark export' },
    ])
  })
})

describe('what others learn', () => {
  const events = (tenantId: number) => door.sql`
    select change, list, group_id, address, detail from outbox
    where tenant_id = ${tenantId} order by address`

  test('one event has all addresses that are new', async () => {
    const { tenantId, key } = await door.addTenant()
    await post(key, bounces, 'email\na@example.com')
    await post(key, bounces, 'email\na@example.com\nc@example.com\nb@example.com\nnobody')
    const [first, second] = await events(tenantId)
    expect(first).toMatchObject({ change: 'added', list: 'bounces', groupId: 0, address: null })
    expect([first?.['detail'], second?.['detail']]).toEqual([
      { addresses: ['a@example.com'] },
      { addresses: ['b@example.com', 'c@example.com'] },
    ])
  })

  test('with ?events=true each is an event of its own', async () => {
    const { tenantId, key } = await door.addTenant()
    const options = { key, headers: { 'content-type': 'text/csv' } }
    const file = 'email\nb@example.com\na@example.com'
    await door.call('POST', `${bounces}/import?events=true`, { ...options, body: file })
    expect((await events(tenantId)).map(({ address, detail }) => [address, detail])).toEqual([
      ['a@example.com', {}],
      ['b@example.com', {}],
    ])
    const unclear = await door.call('POST', `${bounces}/import?events=1`, {
      ...options,
      body: file,
    })
    expect(unclear.status).toBe(400)
  })

  test('the audit trail has one entry with what came of it', async () => {
    const { tenantId, key } = await door.addTenant()
    const file = 'status,reason,email,created\n,,a@example.com,\n,,a@example.com,\n,,x,'
    await post(key, bounces, file, { 'x-audit-reason': 'moving' })
    const rows = await door.sql`
      select action, list, address, entries, reason, detail
      from audit_entry where tenant_id = ${tenantId}`
    expect([...rows]).toEqual([
      {
        action: 'suppression.import',
        list: 'bounces',
        address: null,
        entries: 1,
        reason: 'moving',
        detail: { format: 'sendgrid', complete: true, rows: 3, skipped: 1, errors: 1 },
      },
    ])
  })
})

describe('what is no import', () => {
  test.each([
    ['', 'The file is empty: expected CSV with a column email'],
    ['name\nJane', /^No column of email addresses: .* found "name"$/],
  ])('%j: 400, and no trace', async (file, detail) => {
    const { tenantId, key } = await door.addTenant()
    const reply = await post(key, bounces, file)
    expect(reply.status).toBe(400)
    expect((reply.json as { detail: string }).detail).toMatch(detail)
    expect(await door.sql`select 1 from audit_entry where tenant_id = ${tenantId}`).toEqual([])
  })

  test('another content type, or a compressed body: 415', async () => {
    const { key } = await door.addTenant()
    const json = { 'content-type': 'application/json' }
    expect((await post(key, bounces, 'a@example.com', json)).status).toBe(415)
    const gzip = { 'content-encoding': 'gzip' }
    expect((await post(key, bounces, 'a@example.com', gzip)).status).toBe(415)
  })

  test('a key that may only read: 403', async () => {
    const { key } = await door.addTenant({ scopes: ['suppressions.read'] })
    expect((await post(key, bounces, 'a@example.com')).status).toBe(403)
  })
})

describe('files of any size', () => {
  test('of many batches: every row counts once', async () => {
    const { tenantId, key } = await door.addTenant()
    const lines = Array.from({ length: 30_000 }, (_, n) => {
      if (n % 100 === 0) return `wrong ${n}`
      return `u${n % 25_000}@example.com,"reason\n${n}"`
    })
    const reply = await post(key, bounces, ['email,reason', ...lines].join('\r\n'))
    const { imported, skipped, errors } = reply.json as ReturnType<typeof result>
    expect({ imported, skipped, errors: errors.length }).toEqual({
      imported: 24_750,
      skipped: 4_950,
      errors: 300,
    })
    // Each row but the wrong ones has two lines.
    expect(errors.slice(0, 3)).toMatchObject([{ row: 2 }, { row: 201 }, { row: 400 }])
    const list = await door.call('GET', `${bounces}?limit=1`, { key })
    expect(list.json).toMatchObject({ total: 24_750 })
    const [count] = await door.sql`
      select count(*)::int as entries from suppression where tenant_id = ${tenantId}`
    expect(count).toEqual({ entries: 24_750 })
    const [told] = await door.sql`
      select sum(jsonb_array_length(detail -> 'addresses'))::int as addresses
      from outbox where tenant_id = ${tenantId}`
    expect(told).toEqual({ addresses: 24_750 })
  })

  test('with thousands of wrong rows: the first 1,000, and how many there are', async () => {
    const { key } = await door.addTenant()
    const lines = Array.from({ length: 2_500 }, (_, n) => `wrong ${n}`)
    const reply = await post(key, bounces, ['email', ...lines].join('\n'))
    const { errors } = reply.json as { errors: object[] }
    expect(errors).toHaveLength(1_000)
    expect(errors.at(-1)).toMatchObject({ row: 1_001, email: 'wrong 999' })
    expect(reply.headers.get('x-import-errors')).toBe('2500')
  })

  test('two at once, of the same addresses in different orders', async () => {
    const { tenantId, key } = await door.addTenant()
    const addresses = Array.from({ length: 6_000 }, (_, n) => `u${(n * 7919) % 6_000}@example.com`)
    const files = [addresses, [...addresses].reverse(), [...addresses].sort()]
    const replies = await Promise.all(files.map((lines) => post(key, bounces, lines.join('\n'))))
    const results = replies.map(({ json }) => json as ReturnType<typeof result>)
    expect(results.reduce((sum, { imported }) => sum + imported, 0)).toBe(6_000)
    expect(results.every(({ imported, skipped }) => imported + skipped === 6_000)).toBe(true)
    const list = await door.call('GET', `${bounces}?limit=1`, { key })
    expect(list.json).toMatchObject({ total: 6_000 })
    expect(await listed(tenantId)).toHaveLength(6_000)
  })

  test('whose client goes away: what was committed stays, and no more', async () => {
    const { tenantId, key } = await door.addTenant()
    const call = request({
      port: door.port,
      host: '127.0.0.1',
      method: 'POST',
      path: `${bounces}/import`,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'text/csv' },
    })
    call.on('error', () => undefined)
    call.write('email\n')
    for (let n = 0; n < 20_000; n++) call.write(`u${n}@example.com\n`)
    const count = async () => (await listed(tenantId)).length
    await expect.poll(count, { timeout: 10_000 }).toBeGreaterThan(0)
    call.destroy()
    const audited = () => door.sql`
      select entries, detail -> 'rows' as rows, detail -> 'complete' as complete
      from audit_entry where tenant_id = ${tenantId}`
    const done = async () => (await audited())[0]?.['entries']
    await expect.poll(done, { timeout: 10_000 }).toBeGreaterThan(0)
    const [entry] = await audited()
    expect(entry).toMatchObject({ complete: false, rows: await count() })
    const list = await door.call('GET', `${bounces}?limit=1`, { key })
    expect(list.json).toMatchObject({ total: await count() })
    expect(door.log()).not.toContain('request failed')
  })

  test('that are refused at once do not keep the connection from going on', async () => {
    const { key } = await door.addTenant()
    const big = `${'x'.repeat(1_000)}\n`.repeat(20_000)
    for (let times = 0; times < 3; times++) {
      expect((await post(key, bounces, big)).status).toBe(400)
      expect((await door.call('GET', bounces, { key })).status).toBe(200)
    }
  })
})
