import { connect } from 'node:net'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { useDoor } from '../door.ts'

const door = useDoor()
const oneClick = 'List-Unsubscribe=One-Click'
const urlencoded = { 'content-type': 'application/x-www-form-urlencoded' }

async function listed(tenantId: number) {
  const rows = await door.sql`
    select address, list, group_id from suppression where tenant_id = ${tenantId}`
  return rows.map(({ address, list, groupId }) => ({ address, list, groupId }))
}

const jane = { address: 'jane@example.com', list: 'global_unsubscribes', groupId: 0 }

async function addGroup(tenantId: number, name: string): Promise<number> {
  const [row] = await door.sql<{ groupId: number }[]>`
    insert into suppression_group (tenant_id, name) values (${tenantId}, ${name})
    returning group_id`
  return row?.groupId ?? 0
}

function multipart(boundary: string, fields: Record<string, string>, eol = '\r\n'): string {
  const parts = Object.entries(fields).map(
    ([name, value]) =>
      `--${boundary}${eol}Content-Disposition: form-data; name="${name}"${eol}${eol}${value}${eol}`,
  )
  return `${parts.join('')}--${boundary}--${eol}`
}

describe('POST /u/{token}, one-click', () => {
  test('200 for the urlencoded form that mail programs send, without redirect or cookie', async () => {
    const { tenantId } = await door.addTenant()
    const path = `/u/${await door.seal({ tenantId })}`
    const reply = await door.call('POST', path, { headers: urlencoded, body: oneClick })
    expect(reply.status).toBe(200)
    expect(reply.headers.get('location')).toBeNull()
    expect(reply.headers.get('set-cookie')).toBeNull()
    expect(await listed(tenantId)).toEqual([jane])
    const history = await door.sql`
      select kind, via, origin, evidence from feedback where tenant_id = ${tenantId}`
    expect(history).toEqual([
      { kind: 'unsubscribe', via: 'one-click', origin: 'recipient', evidence: 'sealed-token' },
    ])
  })

  const boundary = '----=_Part_42'
  const form = multipart(boundary, { 'List-Unsubscribe': 'One-Click' })
  test.each([
    ['multipart', `multipart/form-data; boundary="${boundary}"`, form],
    ['multipart without its content type', 'application/octet-stream', form],
    ['multipart with bare line feeds', 'multipart/form-data', form.replaceAll('\r', '')],
    [
      'multipart after a preamble field',
      'multipart/form-data',
      multipart('x', { a: '1', 'List-Unsubscribe': 'One-Click' }),
    ],
    ['urlencoded as text', 'text/plain', oneClick],
    [
      'urlencoded with a line end',
      'application/x-www-form-urlencoded; charset=utf-8',
      `${oneClick}\r\n`,
    ],
    ['urlencoded in lower case', 'application/x-www-form-urlencoded', oneClick.toLowerCase()],
    ['urlencoded among others', 'application/x-www-form-urlencoded', `a=1&${oneClick}&b`],
  ])('200 for %s', async (_name, contentType, body) => {
    const { tenantId } = await door.addTenant()
    const path = `/u/${await door.seal({ tenantId })}`
    const reply = await door.call('POST', path, { headers: { 'content-type': contentType }, body })
    expect(reply.status).toBe(200)
    expect(await listed(tenantId)).toEqual([jane])
  })

  test('200 without a content type, the body in three TCP segments', async () => {
    const { tenantId } = await door.addTenant()
    const token = await door.seal({ tenantId })
    const socket = connect(door.port, '127.0.0.1')
    socket.setNoDelay(true)
    const head = `POST /u/${token} HTTP/1.1\r\nHost: x.test\r\nConnection: close\r\nContent-Length: ${oneClick.length}\r\n\r\n`
    for (const piece of [head, oneClick.slice(0, 5), oneClick.slice(5, 18), oneClick.slice(18)]) {
      socket.write(piece)
      await new Promise((resolve) => setTimeout(resolve, 30))
    }
    let answer = ''
    for await (const bytes of socket) answer += bytes
    expect(answer).toMatch(/^HTTP\/1\.1 200 /)
    expect(await listed(tenantId)).toEqual([jane])
  })

  test('200 every time: twice at once, and again later, is one unsubscribe', async () => {
    const { tenantId, key } = await door.addTenant()
    const path = `/u/${await door.seal({ tenantId })}`
    const click = () => door.call('POST', path, { headers: urlencoded, body: oneClick })
    const replies = [...(await Promise.all([click(), click()])), await click()]
    expect(replies.map(({ status, text }) => [status, text])).toEqual(
      Array(3).fill([200, 'You are unsubscribed.\n']),
    )
    const { json } = await door.call('GET', '/v3/asm/suppressions/global', { key })
    expect(json).toEqual({ recipient_emails: ['jane@example.com'], total: 1 })
  })

  test('200 for a token of many years ago and for a suspended tenant', async () => {
    const { tenantId } = await door.addTenant()
    await door.sql`update tenant set suspended_at = now() where tenant_id = ${tenantId}`
    const path = `/u/${await door.seal({ tenantId, day: 1 })}`
    const reply = await door.call('POST', path, { headers: urlencoded, body: oneClick })
    expect(reply.status).toBe(200)
    expect(await listed(tenantId)).toEqual([jane])
  })

  test('a token with a group unsubscribes from that group', async () => {
    const { tenantId } = await door.addTenant()
    const groupId = await addGroup(tenantId, 'News')
    const path = `/u/${await door.seal({ tenantId, groupId })}`
    await door.call('POST', path, { headers: urlencoded, body: oneClick })
    expect(await listed(tenantId)).toEqual([{ ...jane, list: 'group_unsubscribes', groupId }])
  })

  test.each(['deleted', 'unknown'])(
    'a token with a group that is %s: from everything',
    async (kind) => {
      const { tenantId } = await door.addTenant()
      const groupId = kind === 'deleted' ? await addGroup(tenantId, 'Old') : 987_654
      await door.sql`update suppression_group set deleted_at = now() where tenant_id = ${tenantId}`
      const path = `/u/${await door.seal({ tenantId, groupId })}`
      await door.call('POST', path, { headers: urlencoded, body: oneClick })
      expect(await listed(tenantId)).toEqual([jane])
    },
  )
})

describe('400', () => {
  test.each([
    ['an empty body', ''],
    ['another field', 'List-Unsubscribe=Two-Clicks'],
    ['a confirmation that is none', 'confirm=no'],
    ['an open multipart body', '--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"'],
    ['more than 4 KiB', `${oneClick}&${'x'.repeat(5_000)}`],
  ])('for %s, and nothing is changed', async (_name, body) => {
    const { tenantId } = await door.addTenant()
    const path = `/u/${await door.seal({ tenantId })}`
    const reply = await door.call('POST', path, { headers: urlencoded, body })
    expect(reply.status).toBe(400)
    expect(await listed(tenantId)).toEqual([])
  })

  test('for any other body', async () => {
    const { tenantId } = await door.addTenant()
    const path = `/u/${await door.seal({ tenantId })}`
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 300 }), async (body) => {
        const reply = await door.call('POST', path, { headers: urlencoded, body })
        expect(reply.status).toBe(400)
      }),
      { numRuns: 50 },
    )
    expect(await listed(tenantId)).toEqual([])
  })
})

describe('404', () => {
  test('with one body, by GET and by POST, for whatever is no unsubscribe token', async () => {
    const { tenantId } = await door.addTenant()
    const token = await door.seal({ tenantId })
    const bodies = new Set<string>()
    for (const text of [
      'garbage',
      'hb1_',
      token.slice(0, -1),
      `${token}A`,
      token.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')),
      await door.seal({ tenantId, purpose: 'reference' }),
      await door.seal({ tenantId, purpose: 'preferences' }),
      'a%00b',
      '%3Cscript%3E',
    ]) {
      for (const method of ['GET', 'POST']) {
        const body = method === 'POST' ? { headers: urlencoded, body: oneClick } : {}
        const reply = await door.call(method, `/u/${text}`, body)
        expect([text, reply.status]).toEqual([text, 404])
        bodies.add(reply.text)
      }
    }
    expect(bodies.size).toBe(1)
    expect(await listed(tenantId)).toEqual([])
  })
})

describe('GET /u/{token}', () => {
  test('200 with a page that asks, and that nothing else can be loaded from or into', async () => {
    const { tenantId } = await door.addTenant()
    const reply = await door.call('GET', `/u/${await door.seal({ tenantId })}`)
    expect(reply.status).toBe(200)
    expect(reply.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(reply.headers.get('referrer-policy')).toBe('no-referrer')
    expect(reply.headers.get('cache-control')).toBe('no-store')
    expect(reply.headers.get('x-robots-tag')).toBe('noindex')
    const policy = reply.headers.get('content-security-policy')
    expect(policy).toContain("default-src 'none'")
    expect(policy).not.toContain('script-src')
    expect(reply.text).toContain('<form method="post">')
    expect(reply.text).toContain('j***@example.com')
    expect(reply.text).not.toContain('jane')
    expect(reply.text).not.toMatch(/<script|src=|href=|url\(/)
  })

  test.each(['GET', 'HEAD', 'OPTIONS', 'PUT', 'PATCH', 'DELETE'])(
    '%s changes nothing',
    async (method) => {
      const { tenantId } = await door.addTenant()
      const path = `/u/${await door.seal({ tenantId })}`
      const sends = ['GET', 'HEAD'].includes(method) ? {} : { headers: urlencoded, body: oneClick }
      const reply = await door.call(method, path, sends)
      expect(reply.status).toBeLessThan(500)
      expect(await listed(tenantId)).toEqual([])
      expect(await door.sql`select 1 from feedback where tenant_id = ${tenantId}`).toHaveLength(0)
    },
  )

  test('200 for the form of the page, sent as browsers send it', async () => {
    const { tenantId } = await door.addTenant()
    const path = `/u/${await door.seal({ tenantId })}`
    const page = await door.call('GET', path)
    const [, name, value] = /<button name="(\w+)" value="(\w+)">/.exec(page.text) ?? []
    const reply = await door.call('POST', path, { headers: urlencoded, body: `${name}=${value}` })
    expect(reply.status).toBe(200)
    expect(reply.text).toContain('You are unsubscribed')
    expect(await listed(tenantId)).toEqual([jane])
    const [history] = await door.sql`select via from feedback where tenant_id = ${tenantId}`
    expect(history).toEqual({ via: 'confirm-page' })
  })

  test('the group is named, and a name with HTML in it is text', async () => {
    const { tenantId } = await door.addTenant()
    const groupId = await addGroup(tenantId, `"><script>alert('1')</script>&amp;`)
    const recipient = `"<img src=x>"@example.com`
    const reply = await door.call('GET', `/u/${await door.seal({ tenantId, groupId, recipient })}`)
    expect(reply.text).toContain(
      '&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;amp;',
    )
    expect(reply.text).not.toMatch(/<script|<img/)
  })

  test('a group that was deleted is not named', async () => {
    const { tenantId } = await door.addTenant()
    const groupId = await addGroup(tenantId, 'Secret project')
    await door.sql`update suppression_group set deleted_at = now() where tenant_id = ${tenantId}`
    const reply = await door.call('GET', `/u/${await door.seal({ tenantId, groupId })}`)
    expect(reply.text).toContain('all mail')
    expect(reply.text).not.toContain('Secret project')
  })
})

test('no address and no token stands in the log', async () => {
  expect(door.log()).not.toMatch(/jane|hb1_/)
})
