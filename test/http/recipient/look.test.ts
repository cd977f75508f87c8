import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { accentColors, contrast, parseColor } from '../../../src/http/recipient/colors.ts'
import { changeRecipientPage } from '../../../src/tenant/recipient-page.ts'
import { type Reply, useDoor } from '../door.ts'
import { clickOf, recipientsOf } from './recipient.ts'

const door = useDoor()
const recipients = recipientsOf(door)

type Changes = Parameters<typeof changeRecipientPage>[2]

async function addTenant(changes: Changes) {
  const tenant = await door.addTenant()
  await changeRecipientPage(door.sql, tenant.tenantId, changes, new Date())
  return tenant
}

/** Every page that a recipient can come to. */
async function everyPage(tenantId: number, groupId: number): Promise<Record<string, Reply>> {
  const { unsubscribe, preferences } = await recipients.add({ tenantId, groupId })
  const all = await recipients.add({ tenantId })
  const [u, p] = [`/u/${unsubscribe}`, `/p/${preferences}`]
  const pages: Record<string, Reply> = {
    question: await door.call('GET', u),
    questionOfAll: await door.call('GET', `/u/${all.unsubscribe}`),
    done: await recipients.post(u, ['confirm', 'yes']),
    doneBefore: await door.call('GET', u),
    choice: await door.call('GET', p),
  }
  pages['undone'] = await recipients.undo(u, clickOf(pages['done']?.text ?? ''))
  pages['doneWithAll'] = await recipients.post(p, ['action', 'unsubscribe_all'])
  pages['choiceOfNothing'] = await door.call('GET', p)
  return pages
}

const hostile = `"><script>alert('1')</script><img src=x onerror=alert(1)>&lt;`
const escaped =
  '&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;&amp;lt;'

test('whatever senders write is text on every page', async () => {
  const part = { introduction: hostile, farewell: hostile, footer: hostile }
  const { tenantId } = await addTenant({
    senderName: hostile,
    landingUrl: 'https://shop.example/?a=1&b="><script>alert(1)</script>',
    texts: { default: part },
  })
  const groupId = await recipients.addGroup(tenantId, hostile)
  await door.sql`update suppression_group set description = ${hostile} where group_id = ${groupId}`
  const pages = await everyPage(tenantId, groupId)
  for (const [name, { text }] of Object.entries(pages)) {
    expect(text, name).toContain(escaped)
    expect(text, name).not.toMatch(/<script|<img|onerror=[^)]*"/)
  }
  expect(pages['choice']?.text.split(escaped).length).toBeGreaterThan(5)
})

test('the name of a tenant is its own affair: without a name for recipients there is none', async () => {
  const { tenantId } = await door.addTenant()
  const { unsubscribe } = await recipients.add({ tenantId })
  const { text } = await door.call('GET', `/u/${unsubscribe}`)
  expect(text).toContain('all mail from this sender')
  expect(text).not.toMatch(/tenant \d|<header/)
})

test('each text is that of the reader’s language, else the default one', async () => {
  const { tenantId } = await addTenant({
    senderName: 'Gärtnerei Grün',
    texts: {
      default: { introduction: 'Sorry to see you go.', footer: 'Green Lane 1' },
      de: { introduction: 'Schade!\nWirklich.' },
    },
  })
  const { unsubscribe } = await recipients.add({ tenantId })
  const french = (await door.call('GET', `/u/${unsubscribe}?lang=fr`)).text
  expect(french).toContain('Sorry to see you go.')
  expect(french).toContain('Green Lane 1')
  const german = (await door.call('GET', `/u/${unsubscribe}?lang=de`)).text
  expect(german).toContain('Schade!\nWirklich.')
  expect(german).not.toContain('Sorry')
  expect(german).toContain('Green Lane 1')
})

test('the way to the sender’s own pages is a link after the click, never a redirect', async () => {
  const landingUrl = 'https://shop.example/welcome?from=mail'
  const { tenantId } = await addTenant({ landingUrl })
  const groupId = await recipients.addGroup(tenantId, 'News')
  const pages = await everyPage(tenantId, groupId)
  expect(pages['question']?.text).not.toContain('shop.example')
  expect(pages['done']?.text).toMatch(
    /<a href="https:\/\/shop\.example\/welcome\?from=mail" rel="noreferrer">/,
  )
  for (const { status, headers } of Object.values(pages)) {
    expect([status, headers.get('location'), headers.get('set-cookie')]).toEqual([200, null, null])
  }
})

describe('the policy', () => {
  test('allows the very style of the page, whatever its colour, and nothing from elsewhere', async () => {
    const policies = new Set<string>()
    for (const color of [null, '#ffe14d', '#0f7a4f']) {
      const { tenantId } = await addTenant({ color })
      const groupId = await recipients.addGroup(tenantId, 'News')
      for (const { text, headers } of Object.values(await everyPage(tenantId, groupId))) {
        const [, style = ''] = /<style>([\s\S]*?)<\/style>/.exec(text) ?? []
        const hash = createHash('sha256').update(style).digest('base64')
        const policy = headers.get('content-security-policy') ?? ''
        expect(policy.split(';')).toEqual([
          "default-src 'none'",
          `style-src 'sha256-${hash}'`,
          "img-src 'self'",
          "form-action 'self'",
          "frame-ancestors 'none'",
          "base-uri 'none'",
        ])
        policies.add(policy)
        expect(text.match(/ style=| on\w+=|<script/)).toBeNull()
        expect(headers.get('cache-control')).toBe('no-store')
        expect(headers.get('referrer-policy')).toBe('no-referrer')
        expect(headers.get('x-robots-tag')).toBe('noindex')
        expect(headers.get('vary')).toBe('Accept-Language')
      }
    }
    expect(policies.size).toBe(3)
  })

  test('holds for what is wrong too', async () => {
    const { headers, text } = await door.call('GET', '/p/garbage')
    expect(headers.get('content-security-policy')).toMatch(/^default-src 'none';style-src 'sha256-/)
    expect(text).toContain('This link is not valid')
  })
})

describe('the logo', () => {
  const image = Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), Buffer.alloc(50)])

  test('comes from our own door, may be kept, and is another one after each change', async () => {
    const logo = { type: 'image/png' as const, image }
    const { tenantId } = await addTenant({ logo, senderName: 'Acme' })
    const { unsubscribe } = await recipients.add({ tenantId })
    const source = async () => {
      const { text } = await door.call('GET', `/u/${unsubscribe}`)
      const [, path = ''] = /<img src="\.\.(\/p\/logo\/[\w-]+)" alt="Acme">/.exec(text) ?? []
      return path
    }
    const first = await source()
    const reply = await fetch(door.url + first)
    expect(Buffer.from(await reply.arrayBuffer())).toEqual(image)
    expect(Object.fromEntries(reply.headers)).toMatchObject({
      'content-type': 'image/png',
      'cache-control': 'public, max-age=31536000, immutable',
      'x-content-type-options': 'nosniff',
      'content-security-policy': expect.stringContaining("default-src 'none'"),
    })
    await changeRecipientPage(door.sql, tenantId, { logo }, new Date())
    expect(await source()).not.toBe(first)
    expect((await door.call('GET', first)).status).toBe(404)
    await changeRecipientPage(door.sql, tenantId, { logo: null }, new Date())
    expect(await source()).toBe('')
  })
})

describe('colours', () => {
  const hex = fc
    .integer({ min: 0, max: 0xffffff })
    .map((n) => `#${n.toString(16).padStart(6, '0')}`)
  const lightSurfaces = ['#ffffff', '#f3f4f6'].map(parseColor)
  const darkSurfaces = ['#1f2329', '#14171b'].map(parseColor)

  test('of whatever sender can be read, in light and in dark', () => {
    fc.assert(
      fc.property(hex, (color) => {
        const { button, buttonText, onLight, onDark } = accentColors(color)
        expect(button).toBe(color)
        expect(contrast(parseColor(button), parseColor(buttonText))).toBeGreaterThanOrEqual(4.5)
        for (const [ink, surfaces] of [
          [onLight, lightSurfaces],
          [onDark, darkSurfaces],
        ] as const) {
          for (const surface of surfaces) {
            expect(contrast(parseColor(ink), surface)).toBeGreaterThanOrEqual(4.5)
          }
        }
      }),
      { numRuns: 2_000 },
    )
  })

  test('that can be read already stay as they are', () => {
    expect(accentColors('#0f5c3a')).toMatchObject({ onLight: '#0f5c3a', buttonText: '#ffffff' })
    expect(accentColors('#ffe14d')).toMatchObject({ onDark: '#ffe14d', buttonText: '#000000' })
  })
})
