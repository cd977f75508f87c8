import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { useDoor } from '../door.ts'

const door = useDoor()

type Page = { recipient_emails: string[]; total: number }

/** Follows `Link` from page to page. */
async function walk(key: string, first: string): Promise<{ pages: Page[]; links: string[] }> {
  const pages: Page[] = []
  const links: string[] = []
  for (let path: string | undefined = first; path !== undefined; ) {
    const { status, headers, json } = await door.call('GET', path, { key })
    expect(status).toBe(200)
    pages.push(json as Page)
    path = /^<([^>]+)>; rel="next"$/.exec(headers.get('link') ?? '')?.[1]
    if (path !== undefined) links.push(path)
  }
  return { pages, links }
}

describe('paging by cursor', () => {
  test('gives each address once, in the order of the offsets, also those of one moment', async () => {
    const { key } = await door.addTenant()
    const list = '/v3/asm/suppressions/global'
    for (const batch of [0, 1, 2]) {
      door.setNow(new Date(1_770_000_000_000 + batch * 1000))
      const recipient_emails = Array.from({ length: 7 }, (_, n) => `u${n}+${batch}@example.com`)
      await door.call('POST', list, { key, json: { recipient_emails } })
    }
    door.setNow(null)
    const all = await door.call('GET', `${list}?limit=500`, { key })
    expect(all.headers.get('link')).toBeNull()
    const { pages, links } = await walk(key, `${list}?limit=4&start_time=1770000000`)
    expect(pages.flatMap((page) => page.recipient_emails)).toEqual(
      (all.json as Page).recipient_emails,
    )
    expect(pages.map(({ total }) => total)).toEqual(pages.map(() => 21))
    expect(links.every((link) => link.includes('limit=4&start_time=1770000000&'))).toBe(true)
  })

  test('goes through the members of a group', async () => {
    const { key } = await door.addTenant()
    const { json } = await door.call('POST', '/v3/asm/groups', { key, json: { name: 'News' } })
    const list = `/v3/asm/groups/${(json as { id: number }).id}/suppressions`
    const recipient_emails = ['a@example.com', 'b@example.com', 'c@example.com']
    await door.call('POST', list, { key, json: { recipient_emails } })
    const { pages } = await walk(key, `${list}?page_size=2`)
    expect(pages.map((page) => page.recipient_emails)).toEqual([
      recipient_emails.slice(0, 2),
      recipient_emails.slice(2),
    ])
  })

  test('skips and repeats nothing when addresses come and go between two pages', async () => {
    const { key } = await door.addTenant()
    const list = '/v3/asm/suppressions/global'
    const recipient_emails = ['a', 'b', 'c', 'd', 'e'].map((name) => `${name}@example.com`)
    await door.call('POST', list, { key, json: { recipient_emails } })
    const first = await door.call('GET', `${list}?limit=2`, { key })
    await door.call('DELETE', `${list}/b@example.com`, { key })
    await door.call('POST', list, { key, json: { recipient_emails: ['new@example.com'] } })
    const next = /<([^>]+)>/.exec(first.headers.get('link') ?? '')?.[1] ?? ''
    const { json } = await door.call('GET', next, { key })
    expect((json as Page).recipient_emails).toEqual(['c@example.com', 'd@example.com'])
  })

  test('400 for a cursor that is none, and together with an offset', async () => {
    const { key } = await door.addTenant()
    const list = '/v3/suppression/bounces'
    expect((await door.call('GET', `${list}?cursor=x&offset=1`, { key })).status).toBe(400)
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.json(),
      fc.tuple(fc.double(), fc.string({ unit: 'binary' })).map((pair) => JSON.stringify(pair)),
    )
    await fc.assert(
      fc.asyncProperty(texts, async (text) => {
        const cursor = Buffer.from(text).toString('base64url')
        const { status } = await door.call('GET', `${list}?cursor=${cursor}`, { key })
        expect([200, 400]).toContain(status)
      }),
      { numRuns: 100 },
    )
  })
})
