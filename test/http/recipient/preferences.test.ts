import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { useDoor } from '../door.ts'
import { clickOf, recipientsOf } from './recipient.ts'

const door = useDoor()
const recipients = recipientsOf(door)

let tenantId: number
let news: number
let offers: number
let gone: number

beforeAll(async () => {
  ;({ tenantId } = await door.addTenant())
  news = await recipients.addGroup(tenantId, 'News')
  offers = await recipients.addGroup(tenantId, 'Offers')
  gone = await recipients.addGroup(tenantId, 'Christmas', true)
})

const add = (token: { groupId?: number; groupsToDisplay?: number[] } = {}) =>
  recipients.add({ tenantId, ...token })

/** The groups of a page, and whether their box is ticked. */
function boxes(page: string): [group: number, ticked: boolean][] {
  const found = page.matchAll(
    /<input type="checkbox" name="group" value="(\d+)"[^>]*?( checked)?>/g,
  )
  return [...found].map(([, group, ticked]) => [Number(group), ticked !== undefined])
}

describe('GET /p/{token}', () => {
  test('shows the groups to display in their order, then that of the mail, and the state of each', async () => {
    const { address, preferences } = await add({ groupId: news, groupsToDisplay: [gone, offers] })
    await recipients.post(`/p/${preferences}`, ['action', 'unsubscribe_group'], ['group_id', news])
    const reply = await door.call('GET', `/p/${preferences}`)
    expect(reply.status).toBe(200)
    expect(boxes(reply.text)).toEqual([
      [offers, true],
      [news, false],
    ])
    expect(reply.text).toMatch(/Christmas[\s\S]*Deleted[\s\S]*Offers[\s\S]*About Offers[\s\S]*News/)
    expect(reply.text).not.toContain(address.slice(0, 10))
  })

  test('shows all groups of the tenant when the mail names none, and no deleted ones', async () => {
    const { preferences } = await add()
    const other = await door.addTenant()
    await recipients.addGroup(other.tenantId, 'Somebody else’s')
    const { text } = await door.call('GET', `/p/${preferences}`)
    expect(boxes(text)).toEqual([
      [news, true],
      [offers, true],
    ])
    expect(text).not.toMatch(/Christmas|Somebody else/)
  })

  test('shows a deleted group as deleted when the mail was sent to it', async () => {
    const { preferences } = await add({ groupId: gone })
    const { text } = await door.call('GET', `/p/${preferences}`)
    expect(text).toMatch(/Christmas[\s\S]*Deleted[\s\S]*This list no longer exists/)
    expect(boxes(text)).toHaveLength(2)
  })

  test('shows no boxes to whoever has left everything, but the way back', async () => {
    const { preferences } = await add()
    await recipients.post(`/p/${preferences}`, ['action', 'unsubscribe_all'])
    const { text } = await door.call('GET', `/p/${preferences}`)
    expect(boxes(text)).toEqual([])
    expect(text).toContain('You get no mail from this sender')
    expect(text).toContain('value="resubscribe_all"')
  })

  test('works for a tenant without groups, and for ids that no column can hold', async () => {
    const other = await door.addTenant()
    const token = { ...other, groupId: 4_294_967_295, groupsToDisplay: [4_294_967_294] }
    const { preferences, unsubscribe } = await recipients.add(token)
    for (const path of [`/p/${preferences}`, `/u/${unsubscribe}`]) {
      expect((await door.call('GET', path)).status).toBe(200)
    }
  })
})

describe('POST /p/{token}', () => {
  test('save leaves and joins groups at once, and records each', async () => {
    const { address, preferences } = await add()
    const path = `/p/${preferences}`
    await recipients.post(path, ['action', 'unsubscribe_group'], ['group_id', news])
    const reply = await recipients.post(
      path,
      ['action', 'save'],
      ['shown', news],
      ['shown', offers],
      ['before', offers],
      ['group', news],
    )
    expect(reply.status).toBe(200)
    expect(reply.text).toContain('Your choice is saved.')
    expect(boxes(reply.text)).toEqual([
      [news, true],
      [offers, false],
    ])
    expect(await recipients.left(address)).toEqual([offers])
    expect(await recipients.history(address)).toEqual([
      ['unsubscribe', 'preferences-page', news],
      ['resubscribe', 'preferences-page', news],
      ['unsubscribe', 'preferences-page', offers],
    ])
    expect(await recipients.events(address)).toEqual([
      ['feedback', null, null],
      ['added', 'group_unsubscribes', news],
      ['feedback', null, null],
      ['removed', 'group_unsubscribes', news],
      ['feedback', null, null],
      ['added', 'group_unsubscribes', offers],
    ])
  })

  test('save changes only what was changed on the page: a click since then stands', async () => {
    const { address, preferences, unsubscribe } = await add({ groupId: news })
    await recipients.post(`/u/${unsubscribe}`, ['List-Unsubscribe', 'One-Click'])
    const page = [
      ['action', 'save'],
      ['shown', news],
      ['before', news],
      ['group', news],
      ['shown', offers],
      ['before', offers],
    ] as [string, string | number][]
    await recipients.post(`/p/${preferences}`, ...page)
    expect(await recipients.left(address)).toEqual([news, offers])
  })

  test('save works with more groups than anybody has', async () => {
    const other = await door.addTenant()
    const rows = await door.sql<{ groupId: number }[]>`
      insert into suppression_group (tenant_id, name, description)
      select ${other.tenantId}, 'Kind ' || n, '' from generate_series(1, 1000) as n
      returning group_id`
    const { address, preferences } = await recipients.add(other)
    const page = await door.call('GET', `/p/${preferences}`)
    expect(boxes(page.text)).toHaveLength(1_000)
    const form = rows.flatMap(({ groupId }, at): [string, string | number][] => {
      const same: [string, number][] = at % 100 === 0 ? [] : [['group', groupId]]
      return [['shown', groupId], ['before', groupId], ...same]
    })
    const reply = await recipients.post(`/p/${preferences}`, ['action', 'save'], ...form)
    expect(reply.text).toContain('Your choice is saved.')
    expect(await recipients.left(address)).toHaveLength(10)
  })

  test('save says so when there was nothing to change', async () => {
    const { address, preferences } = await add()
    const page = [
      ['action', 'save'],
      ['shown', news],
      ['before', news],
      ['group', news],
    ] as [string, string | number][]
    const reply = await recipients.post(`/p/${preferences}`, ...page)
    expect(reply.text).toContain('Nothing had to be changed.')
    expect(await recipients.history(address)).toEqual([])
  })

  test('out of everything and back; groups that were left stay left', async () => {
    const { address, preferences } = await add()
    const path = `/p/${preferences}`
    await recipients.post(path, ['action', 'unsubscribe_group'], ['group_id', news])
    const done = await recipients.post(path, ['action', 'unsubscribe_all'])
    expect(done.text).toContain('You are unsubscribed')
    expect(await recipients.left(address)).toEqual([0, news])
    await recipients.post(path, ['action', 'resubscribe_all'])
    expect(await recipients.left(address)).toEqual([news])
    expect((await recipients.history(address)).at(-1)).toEqual([
      'resubscribe',
      'preferences-page',
      null,
    ])
    await recipients.post(path, ['action', 'resubscribe_group'], ['group_id', news])
    expect(await recipients.left(address)).toEqual([])
  })

  test('every way is idempotent', async () => {
    const { address, preferences } = await add()
    const path = `/p/${preferences}`
    for (const action of ['unsubscribe_all', 'resubscribe_all']) {
      const click = () => recipients.post(path, ['action', action])
      const replies = [...(await Promise.all([click(), click(), click()])), await click()]
      expect(replies.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    }
    expect(await recipients.history(address)).toHaveLength(2)
    expect(await recipients.events(address)).toHaveLength(4)
  })

  test('forms of two windows that want the opposite at once both get their answer', async () => {
    const { preferences } = await add()
    const path = `/p/${preferences}`
    await recipients.post(path, ['action', 'unsubscribe_group'], ['group_id', news])
    const swap = (from: number, to: number) =>
      recipients.post(
        path,
        ['action', 'save'],
        ['shown', news],
        ['shown', offers],
        ['before', from],
        ['group', to],
      )
    const replies = await Promise.all(
      Array.from({ length: 20 }, (_, at) => (at % 2 ? swap(news, offers) : swap(offers, news))),
    )
    expect(replies.map(({ status }) => status)).toEqual(Array(20).fill(200))
  })

  test('a group that has just been deleted is neither left nor joined, and shown as deleted', async () => {
    const late = await recipients.addGroup(tenantId, 'Late')
    const { address, preferences } = await add({ groupsToDisplay: [late, offers] })
    await door.sql`update suppression_group set deleted_at = now() where group_id = ${late}`
    const page = [
      ['action', 'save'],
      ['shown', late],
      ['before', late],
      ['shown', offers],
      ['before', offers],
    ] as [string, string | number][]
    const reply = await recipients.post(`/p/${preferences}`, ...page)
    expect(await recipients.left(address)).toEqual([offers])
    expect(reply.text).toMatch(/Late[\s\S]*Deleted/)
  })

  test('a one-click to this link counts too', async () => {
    const { address, preferences } = await add()
    const reply = await recipients.post(`/p/${preferences}`, ['List-Unsubscribe', 'One-Click'])
    expect(reply.status).toBe(200)
    expect(await recipients.left(address)).toEqual([0])
  })

  test('a suspended tenant’s recipients can still choose', async () => {
    const other = await door.addTenant()
    await door.sql`update tenant set suspended_at = now() where tenant_id = ${other.tenantId}`
    const { address, preferences } = await recipients.add(other)
    await recipients.post(`/p/${preferences}`, ['action', 'unsubscribe_all'])
    expect(await recipients.left(address)).toEqual([0])
  })
})

describe('undo', () => {
  test('takes back what the click did, and nothing else', async () => {
    const { address, unsubscribe, preferences } = await add({ groupId: news })
    await recipients.post(
      `/p/${preferences}`,
      ['action', 'unsubscribe_group'],
      ['group_id', offers],
    )
    const done = await recipients.post(`/u/${unsubscribe}`, ['confirm', 'yes'])
    expect(await recipients.left(address)).toEqual([news, offers])
    const reply = await recipients.undo(`/u/${unsubscribe}`, clickOf(done.text))
    expect(reply.status).toBe(200)
    expect(reply.text).toContain('Undone: you are subscribed again.')
    expect(await recipients.left(address)).toEqual([offers])
    expect((await recipients.history(address)).at(-1)).toEqual(['resubscribe', 'undo', news])
    expect((await recipients.events(address)).slice(-2)).toEqual([
      ['feedback', null, null],
      ['removed', 'group_unsubscribes', news],
    ])
  })

  test.each(['/p/', '/t/u/'])('works at %s as well', async (door) => {
    const { address, preferences } = await add()
    const path = door + preferences
    const done = await recipients.post(path, ['action', 'unsubscribe_all'])
    expect((await recipients.undo(path, clickOf(done.text))).text).toContain('Undone')
    expect(await recipients.left(address)).toEqual([])
  })

  test('is offered again after a double click, and works once', async () => {
    const { address, unsubscribe } = await add()
    const path = `/u/${unsubscribe}`
    await recipients.post(path, ['confirm', 'yes'])
    const second = await recipients.post(path, ['confirm', 'yes'])
    const clickId = clickOf(second.text)
    expect((await recipients.undo(path, clickId)).text).toContain('Undone')
    expect((await recipients.undo(path, clickId)).text).toContain('Nothing had to be changed.')
    expect(await recipients.left(address)).toEqual([])
    expect(await recipients.history(address)).toHaveLength(2)
  })

  test('of a click for a deleted group takes back that it was everything', async () => {
    const { address, unsubscribe } = await add({ groupId: gone })
    const done = await recipients.post(`/u/${unsubscribe}`, ['confirm', 'yes'])
    expect(await recipients.left(address)).toEqual([0])
    await recipients.undo(`/u/${unsubscribe}`, clickOf(done.text))
    expect(await recipients.left(address)).toEqual([])
  })

  test('does nothing once the recipient has left in another way too', async () => {
    const { address, unsubscribe } = await add()
    const done = await recipients.post(`/u/${unsubscribe}`, ['confirm', 'yes'])
    const { key } = await addKey()
    await door.call('POST', '/v3/asm/suppressions/global', {
      key,
      json: { recipient_emails: [address] },
    })
    const reply = await recipients.undo(`/u/${unsubscribe}`, clickOf(done.text))
    expect(reply.text).toContain('Nothing had to be changed.')
    expect(await recipients.left(address)).toEqual([0])
  })

  test('does nothing after a one-click since, which is noted once however often it comes', async () => {
    const { address, unsubscribe } = await add()
    const path = `/u/${unsubscribe}`
    const done = await recipients.post(path, ['confirm', 'yes'])
    for (const _ of [1, 2, 3]) await recipients.post(path, ['List-Unsubscribe', 'One-Click'])
    expect((await recipients.undo(path, clickOf(done.text))).text).toContain('Nothing had to be')
    expect(await recipients.left(address)).toEqual([0])
    expect(await recipients.history(address)).toEqual([
      ['unsubscribe', 'confirm-page', null],
      ['unsubscribe', 'one-click', null],
    ])
    expect(await recipients.events(address)).toHaveLength(2)
  })

  test('does nothing after the group was left on the page of preferences since', async () => {
    const { address, unsubscribe, preferences } = await add({ groupId: news })
    const done = await recipients.post(`/u/${unsubscribe}`, ['confirm', 'yes'])
    const opened = [
      ['action', 'save'],
      ['shown', news],
      ['before', news],
    ] as [string, string | number][]
    await recipients.post(`/p/${preferences}`, ...opened)
    await recipients.undo(`/u/${unsubscribe}`, clickOf(done.text))
    expect(await recipients.left(address)).toEqual([news])
  })

  test('ends with the day, and a click later on offers none', async () => {
    const { address, unsubscribe } = await add()
    const path = `/u/${unsubscribe}`
    const start = Date.now()
    const at = (hours: number) => door.setNow(new Date(start + hours * 3_600_000))
    onTestFinished(() => door.setNow(null))
    at(0)
    const done = await recipients.post(path, ['confirm', 'yes'])
    at(24.1)
    expect((await recipients.undo(path, clickOf(done.text))).text).toContain('Nothing had to be')
    const again = await recipients.post(path, ['confirm', 'yes'])
    expect(again.text).toContain('You are unsubscribed')
    expect(clickOf(again.text)).toBe('')
    expect(await recipients.left(address)).toEqual([0])
    expect(await recipients.history(address)).toHaveLength(1)
  })

  test('is not handed to whoever presses the same button a minute later', async () => {
    const { address, unsubscribe } = await add()
    const path = `/u/${unsubscribe}`
    const start = Date.now()
    onTestFinished(() => door.setNow(null))
    door.setNow(new Date(start))
    const done = await recipients.post(path, ['confirm', 'yes'])
    door.setNow(new Date(start + 60_000))
    expect(clickOf((await recipients.post(path, ['confirm', 'yes'])).text)).toBe('')
    await recipients.undo(path, clickOf(done.text))
    expect(await recipients.left(address)).toEqual([0])
  })

  test('is not offered for what was so before', async () => {
    const { unsubscribe } = await add()
    await recipients.post(`/u/${unsubscribe}`, ['List-Unsubscribe', 'One-Click'])
    const done = await recipients.post(`/u/${unsubscribe}`, ['confirm', 'yes'])
    expect(done.text).toContain('You are unsubscribed')
    expect(done.text).not.toContain('Undo')
  })

  test('another recipient’s click is out of reach', async () => {
    const jane = await add()
    const mallory = await add()
    const done = await recipients.post(`/u/${jane.unsubscribe}`, ['confirm', 'yes'])
    const clickId = clickOf(done.text)
    await recipients.undo(`/p/${mallory.preferences}`, clickId)
    await recipients.undo(`/u/${mallory.unsubscribe}`, clickId)
    expect(await recipients.left(jane.address)).toEqual([0])
  })

  async function addKey() {
    const other = await door.addTenant()
    await door.sql`update api_key set tenant_id = ${tenantId} where tenant_id = ${other.tenantId}`
    return other
  }
})

describe('a link to unsubscribe is no way back', () => {
  test('no page of it leads to the page of preferences', async () => {
    const { address, unsubscribe } = await add({ groupId: news })
    for (const path of [`/u/${unsubscribe}`, `/t/u/${unsubscribe}`]) {
      const question = await door.call('GET', path)
      const done = await recipients.post(path, ['confirm', 'yes'])
      const before = await door.call('GET', path)
      const undone = await recipients.undo(path, clickOf(done.text))
      expect(undone.text).toContain('Undone')
      for (const { text } of [question, done, before, undone]) expect(text).not.toContain('hb1_')
    }
    expect(await recipients.left(address)).toEqual([])
  })

  test('what the page of preferences sends is refused', async () => {
    const { address, unsubscribe } = await add()
    const path = `/u/${unsubscribe}`
    await recipients.post(path, ['List-Unsubscribe', 'One-Click'])
    for (const action of ['resubscribe_all', 'save', 'resubscribe_group']) {
      const fields = [
        ['group_id', news],
        ['shown', news],
        ['group', news],
      ] as [string, number][]
      const reply = await recipients.post(path, ['action', action], ...fields)
      expect(reply.status).toBe(404)
    }
    expect(await recipients.left(address)).toEqual([0])
  })
})

describe('GET /u/{token} after the click', () => {
  test('says what is so, and leads out of the rest', async () => {
    const { address, unsubscribe } = await add({ groupId: news })
    const path = `/u/${unsubscribe}`
    await recipients.post(path, ['List-Unsubscribe', 'One-Click'])
    const { text } = await door.call('GET', path)
    expect(text).toContain('You are unsubscribed')
    expect(text).toContain('News')
    expect(text.match(/<button [^>]+>/g)).toEqual([
      '<button name="action" value="unsubscribe_all">',
    ])
    await recipients.post(path, ['action', 'unsubscribe_all'])
    expect(await recipients.left(address)).toEqual([0, news])
    expect((await door.call('GET', path)).text).not.toContain('<form')
  })

  test('the list of a deleted group is said to be gone', async () => {
    const { unsubscribe } = await add({ groupId: gone })
    const { text } = await door.call('GET', `/u/${unsubscribe}`)
    expect(text).toContain('The list that this mail was sent to no longer exists.')
    expect(text).toContain('Unsubscribe from all mail')
  })
})

describe('/t/u/{token}', () => {
  test('is the question or the page of preferences, as the token says', async () => {
    const { unsubscribe, preferences } = await add()
    expect((await door.call('GET', `/t/u/${unsubscribe}`)).text).toContain('Unsubscribe from all')
    expect((await door.call('GET', `/t/u/${preferences}`)).text).toContain('Your email preferences')
  })

  test('its links lead to the same root as those of /p', async () => {
    const { preferences } = await add()
    for (const path of [`/p/${preferences}`, `/t/u/${preferences}`, `/p/${preferences}/`]) {
      const page = await recipients.post(path, ['action', 'unsubscribe_all'])
      const [, link = ''] = /href="([./]+p\/[^"]+)"/.exec(page.text) ?? []
      const { pathname } = new URL(link, door.url + path)
      expect((await door.call('GET', pathname)).status).toBe(200)
    }
  })

  test.each([
    ['unsubscribe_all', [0]],
    ['unsubscribe_group', ['news']],
  ] as const)('%s with an unsubscribe token', async (action, left) => {
    const { address, unsubscribe } = await add()
    const reply = await recipients.post(
      `/t/u/${unsubscribe}`,
      ['action', action],
      ['group_id', news],
    )
    expect(reply.status).toBe(200)
    expect(reply.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(await recipients.left(address)).toEqual(left[0] === 0 ? [0] : [news])
  })

  test('resubscribe_group needs a preferences token', async () => {
    const { address, unsubscribe, preferences } = await add({ groupId: news })
    await recipients.post(`/t/u/${unsubscribe}`, ['List-Unsubscribe', 'One-Click'])
    expect(await recipients.left(address)).toEqual([news])
    const fields = [
      ['action', 'resubscribe_group'],
      ['group_id', news],
    ] as [string, string | number][]
    expect((await recipients.post(`/t/u/${unsubscribe}`, ...fields)).status).toBe(404)
    expect(await recipients.left(address)).toEqual([news])
    expect((await recipients.post(`/t/u/${preferences}`, ...fields)).status).toBe(200)
    expect(await recipients.left(address)).toEqual([])
  })
})

describe('what is wrong changes nothing', () => {
  const wrong: [string, ...[string, string][]][] = [
    ['no field'],
    ['no action', ['group_id', '1']],
    ['an unknown action', ['action', 'delete']],
    ['no group', ['action', 'unsubscribe_group']],
    ['a group that is no number', ['action', 'unsubscribe_group'], ['group_id', '1 or 1=1']],
    ['a group of nobody', ['action', 'unsubscribe_group'], ['group_id', '2147483647']],
    ['a group out of range', ['action', 'unsubscribe_group'], ['group_id', '2147483648']],
    ['no group shown', ['action', 'save'], ['group', '1']],
    ['a shown group that is no number', ['action', 'save'], ['shown', 'x']],
    ['no click', ['action', 'undo']],
    ['a click that is no id', ['action', 'undo'], ['click', "' or ''='"]],
  ]
  test.each(wrong)('400 for %s', async (_name, ...fields) => {
    const { address, preferences } = await add()
    const reply = await recipients.post(`/p/${preferences}`, ...fields)
    expect(reply.status).toBe(400)
    expect(reply.text).toContain('Nothing was changed')
    expect(await recipients.history(address)).toEqual([])
  })

  test('400 for another tenant’s group', async () => {
    const other = await door.addTenant()
    const theirs = await recipients.addGroup(other.tenantId, 'Theirs')
    const { address, preferences } = await add()
    const reply = await recipients.post(
      `/p/${preferences}`,
      ['action', 'unsubscribe_group'],
      ['group_id', theirs],
    )
    expect(reply.status).toBe(400)
    expect(await recipients.left(address)).toEqual([])
  })

  test('404 with one body, at every door, for every token that does not open it', async () => {
    const { address, unsubscribe, preferences } = await add()
    const reference = await door.seal({ tenantId, recipient: address, purpose: 'reference' })
    const bodies = new Set<string>()
    for (const path of [
      `/p/${unsubscribe}`,
      `/p/${reference}`,
      `/u/${preferences}`,
      `/u/${reference}`,
      `/t/u/${reference}`,
      '/p/garbage',
      '/t/u/hb1_garbage',
      `/p/${preferences.slice(0, -2)}`,
      '/p/logo/x',
    ]) {
      for (const method of ['GET', 'POST']) {
        if (path === '/p/logo/x' && method === 'POST') continue
        const reply =
          method === 'GET'
            ? await door.call('GET', path)
            : await recipients.post(path, ['action', 'unsubscribe_all'])
        expect([method, path, reply.status]).toEqual([method, path, 404])
        bodies.add(reply.text)
      }
    }
    expect(bodies.size).toBe(1)
    expect(await recipients.history(address)).toEqual([])
  })

  test('a token that another tenant’s key sealed says nothing about us', async () => {
    const other = await door.addTenant()
    const { address, preferences } = await recipients.add(other)
    await recipients.post(`/p/${preferences}`, ['action', 'unsubscribe_all'])
    const rows = await door.sql`select tenant_id from suppression where address = ${address}`
    expect(rows).toEqual([{ tenantId: other.tenantId }])
  })
})

test('no address and no token stands in the log', () => {
  expect(door.log()).not.toMatch(/jane|hb1_/)
})
