import { connect } from 'node:net'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import type { SealedToken } from '../../../src/attribute/sealed-token.ts'
import { useDoor } from '../door.ts'

const door = useDoor()
const oneClick = 'List-Unsubscribe=One-Click'
const urlencoded = { 'content-type': 'application/x-www-form-urlencoded' }

let tenant: { tenantId: number; key: string }
let recipients = 0
beforeAll(async () => {
  tenant = await door.addTenant()
})

/** A link to a recipient of its own: `jane1@example.com` and so on. */
async function link(token: Partial<SealedToken> = {}) {
  recipients++
  const address = token.recipient ?? `jane${recipients}@example.com`
  const sealed = await door.seal({ ...tenant, recipient: address, ...token })
  return { address, token: sealed, path: `/u/${sealed}` }
}

/** The lists that an address is on. */
async function listsOf(address: string) {
  const rows = await door.sql`
    select list, group_id from suppression where address = ${address}`
  return rows.map(({ list, groupId }) => ({ list, groupId }))
}

const everything = [{ list: 'global_unsubscribes', groupId: 0 }]

async function addGroup(name: string, state: 'live' | 'deleted' = 'live'): Promise<number> {
  const [row] = await door.sql<{ groupId: number }[]>`
    insert into suppression_group (tenant_id, name, deleted_at)
    values (${tenant.tenantId}, ${name}, ${state === 'live' ? null : new Date()})
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

/** Each piece in a segment of its own; gives back the whole answer. */
async function sendRaw(pieces: readonly string[]): Promise<string> {
  const socket = connect(door.port, '127.0.0.1')
  socket.setNoDelay(true)
  for (const piece of pieces) {
    socket.write(piece)
    await new Promise((resolve) => setTimeout(resolve, 30))
  }
  let answer = ''
  for await (const bytes of socket) answer += bytes
  return answer
}

describe('POST /u/{token}, one-click', () => {
  test('200 for the urlencoded form that mail programs send, without redirect or cookie', async () => {
    const { address, path } = await link()
    const reply = await door.call('POST', path, { headers: urlencoded, body: oneClick })
    expect(reply.status).toBe(200)
    expect(reply.headers.get('location')).toBeNull()
    expect(reply.headers.get('set-cookie')).toBeNull()
    expect(await listsOf(address)).toEqual(everything)
    const history = await door.sql`
      select kind, via, origin, evidence from feedback where recipient = ${address}`
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
    const { address, path } = await link()
    const reply = await door.call('POST', path, { headers: { 'content-type': contentType }, body })
    expect(reply.status).toBe(200)
    expect(await listsOf(address)).toEqual(everything)
  })

  const apple = 'Boundary-6A7C3F2E-52B1-4E0C-9C2D-0D1E2F3A4B5C'
  test.each([
    [
      'Gmail',
      26,
      ['Content-Type: application/x-www-form-urlencoded', 'Origin: null', 'Cookie: '],
      oneClick,
    ],
    [
      'Yahoo',
      26,
      ['Content-Type: application/x-www-form-urlencoded; charset=UTF-8', 'Accept: */*'],
      oneClick,
    ],
    [
      'Apple',
      211,
      [`Content-Type: multipart/form-data; boundary=${apple}`, 'Accept-Language: de-DE'],
      `--${apple}\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nOne-Click\r\n--${apple}--\r\n`,
    ],
  ])('200 for the bytes that %s sends', async (_name, length, fields, body) => {
    const { address, token } = await link()
    const head = [`POST /u/${token} HTTP/1.1`, 'Host: x.test', 'Connection: close', ...fields]
    const answer = await sendRaw([
      `${head.join('\r\n')}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    ])
    expect(body).toHaveLength(length)
    expect(answer).toMatch(/^HTTP\/1\.1 200 /)
    expect(answer).not.toMatch(/^(?:location|set-cookie):/im)
    expect(await listsOf(address)).toEqual(everything)
  })

  test('200 without a content type, the body in three TCP segments', async () => {
    const { address, token } = await link()
    const head = `POST /u/${token} HTTP/1.1\r\nHost: x.test\r\nConnection: close\r\nContent-Length: ${oneClick.length}\r\n\r\n`
    const pieces = [head, oneClick.slice(0, 5), oneClick.slice(5, 18), oneClick.slice(18)]
    const answer = await sendRaw(pieces)
    expect(answer).toMatch(/^HTTP\/1\.1 200 /)
    expect(await listsOf(address)).toEqual(everything)
  })

  test('200 every time: twice at once, and again later, is one unsubscribe', async () => {
    const { address, path } = await link()
    const click = () => door.call('POST', path, { headers: urlencoded, body: oneClick })
    const replies = [...(await Promise.all([click(), click()])), await click()]
    expect(replies.map(({ status, text }) => [status, text])).toEqual(
      Array(3).fill([200, 'You are unsubscribed.\n']),
    )
    expect(await listsOf(address)).toEqual(everything)
    const outbox = await door.sql`select change from outbox where address = ${address}`
    expect(outbox.filter(({ change }) => change === 'added')).toHaveLength(1)
  })

  test('200 for a token of many years ago and for a suspended tenant', async () => {
    const { tenantId } = await door.addTenant()
    await door.sql`update tenant set suspended_at = now() where tenant_id = ${tenantId}`
    const { address, path } = await link({ tenantId, day: 1 })
    const reply = await door.call('POST', path, { headers: urlencoded, body: oneClick })
    expect(reply.status).toBe(200)
    expect(await listsOf(address)).toEqual(everything)
  })

  test('a token with a group unsubscribes from that group', async () => {
    const groupId = await addGroup('News')
    const { address, path } = await link({ groupId })
    await door.call('POST', path, { headers: urlencoded, body: oneClick })
    expect(await listsOf(address)).toEqual([{ list: 'group_unsubscribes', groupId }])
  })

  test('a click while its group is being deleted is not lost: from everything', async () => {
    const groupId = await addGroup('Closing')
    const { address, path } = await link({ groupId })
    const reply = await door.sql.begin(async (sql) => {
      await sql`update suppression_group set deleted_at = now() where group_id = ${groupId}`
      const click = door.call('POST', path, { headers: urlencoded, body: oneClick })
      await new Promise((resolve) => setTimeout(resolve, 200))
      return [click]
    })
    expect((await reply[0])?.status).toBe(200)
    expect(await listsOf(address)).toEqual(everything)
  })

  test.each(['deleted', 'unknown'])(
    'a token with a group that is %s: from everything',
    async (kind) => {
      const groupId = kind === 'deleted' ? await addGroup('Old', 'deleted') : 987_654
      const { address, path } = await link({ groupId })
      await door.call('POST', path, { headers: urlencoded, body: oneClick })
      expect(await listsOf(address)).toEqual(everything)
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
    const { address, path } = await link()
    const reply = await door.call('POST', path, { headers: urlencoded, body })
    expect(reply.status).toBe(400)
    expect(await listsOf(address)).toEqual([])
  })

  test('for any other body', async () => {
    const { address, path } = await link()
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 300 }), async (body) => {
        const reply = await door.call('POST', path, { headers: urlencoded, body })
        expect(reply.status).toBe(400)
      }),
      { numRuns: 50 },
    )
    expect(await listsOf(address)).toEqual([])
  })
})

describe('404', () => {
  test('with one body, by GET and by POST, for whatever is no unsubscribe token', async () => {
    const { address, token } = await link()
    const bodies = new Set<string>()
    for (const text of [
      'garbage',
      'hb1_',
      token.slice(0, -1),
      `${token}A`,
      token.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')),
      await door.seal({ ...tenant, recipient: address, purpose: 'reference' }),
      await door.seal({ ...tenant, recipient: address, purpose: 'preferences' }),
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
    expect(await listsOf(address)).toEqual([])
  })
})

describe('GET /u/{token}', () => {
  test('200 with a page that asks, and that nothing else can be loaded from or into', async () => {
    const { path } = await link()
    const reply = await door.call('GET', path)
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
    expect(reply.text).not.toMatch(/<script|\bsrc=|url\(|@import|(?:href|action)="(?:\w+:|\/)/)
  })

  test.each(['GET', 'HEAD', 'OPTIONS', 'PUT', 'PATCH', 'DELETE'])(
    '%s changes nothing',
    async (method) => {
      const { address, path } = await link()
      const sends = ['GET', 'HEAD'].includes(method) ? {} : { headers: urlencoded, body: oneClick }
      const reply = await door.call(method, path, sends)
      expect(reply.status).toBeLessThan(500)
      expect(await listsOf(address)).toEqual([])
      expect(await door.sql`select 1 from feedback where recipient = ${address}`).toHaveLength(0)
    },
  )

  test('200 for the form of the page, sent as browsers send it', async () => {
    const { address, path } = await link()
    const page = await door.call('GET', path)
    const [, name, value] = /<button name="(\w+)" value="(\w+)">/.exec(page.text) ?? []
    const reply = await door.call('POST', path, { headers: urlencoded, body: `${name}=${value}` })
    expect(reply.status).toBe(200)
    expect(reply.text).toContain('You are unsubscribed')
    expect(await listsOf(address)).toEqual(everything)
    const [history] = await door.sql`select via from feedback where recipient = ${address}`
    expect(history).toEqual({ via: 'confirm-page' })
  })

  test('the group is named, and a name with HTML in it is text', async () => {
    const groupId = await addGroup(`"><script>alert('1')</script>&amp;`)
    const { path } = await link({ groupId, recipient: `"<img src=x>"@example.com` })
    const reply = await door.call('GET', path)
    expect(reply.text).toContain(
      '&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;amp;',
    )
    expect(reply.text).not.toMatch(/<script|<img/)
  })

  test('a group that was deleted is not named', async () => {
    const { path } = await link({ groupId: await addGroup('Secret project', 'deleted') })
    const reply = await door.call('GET', path)
    expect(reply.text).toContain('all mail')
    expect(reply.text).not.toContain('Secret project')
  })
})

test('no address and no token stands in the log', async () => {
  expect(door.log()).not.toMatch(/jane|hb1_/)
})
