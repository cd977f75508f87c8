import { beforeAll, describe, expect, test } from 'vitest'
import { openSealed } from '../../../src/attribute/sealed-token.ts'
import { useDoor } from '../door.ts'

const door = useDoor()
const path = '/v3/feedback/render'

let tenantId: number
let key: string
let groupId: number
beforeAll(async () => {
  ;({ key, tenantId } = await door.addTenant({ scopes: ['feedback.tokens'] }))
  const [row] = await door.sql<{ groupId: number }[]>`
    insert into suppression_group (tenant_id, name) values (${tenantId}, 'News')
    returning group_id`
  groupId = row?.groupId ?? 0
})

const render = (json: object) => door.call('POST', path, { key, json })

/** What the token of a link says. */
async function opened(url: string) {
  return openSealed(url.split('/').at(-1) ?? '', (id) => door.keyring.byId(id))
}

test('each link carries what it is about, and opens its door', async () => {
  const reply = await render({
    recipient: {
      email: 'Jane@Example.COM',
      group_id: groupId,
      groups_to_display: [groupId],
      message_id: 'order 42',
    },
    text: '<%asm_group_unsubscribe_raw_url%> <%asm_global_unsubscribe_raw_url%> <%asm_preferences_raw_url%>',
  })
  expect(reply.status).toBe(200)
  const { html, text } = reply.json as { html: null; text: string }
  expect(html).toBeNull()
  const [group = '', global = '', preferences = ''] = text.split(' ')
  const common = { tenantId, recipient: 'jane@example.com', groupsToDisplay: [groupId] }
  expect(await opened(group)).toMatchObject({ ...common, purpose: 'unsubscribe', groupId })
  expect(await opened(global)).toMatchObject({ ...common, purpose: 'unsubscribe', groupId: null })
  expect(await opened(preferences)).toMatchObject({ ...common, purpose: 'preferences', groupId })
  for (const url of [group, global, preferences]) {
    expect(url).toMatch(/^https:\/\/feedback\.example\/[up]\/hb1_[\w-]+$/)
    expect((await door.call('GET', new URL(url).pathname)).status).toBe(200)
  }
})

test('HTML and text at once, without a group', async () => {
  const reply = await render({
    recipient: { email: 'jane@example.com' },
    html: '<p>Bye? <% click here %>.</p>',
    text: 'Bye? [unsubscribe]',
  })
  expect(reply.json).toEqual({
    html: expect.stringMatching(
      /^<p>Bye\? <a href="https:\/\/feedback\.example\/u\/[^"]+">click here<\/a>\.<\/p>$/,
    ),
    text: expect.stringMatching(/^Bye\? https:\/\/feedback\.example\/u\/\S+$/),
  })
})

describe('400', () => {
  test.each<[string, (own: number) => object, string]>([
    ['no recipient', () => ({}), 'recipient'],
    ['a recipient that is no address', () => ({ recipient: { email: 'x' } }), 'recipient.email'],
    [
      'a group of nobody',
      () => ({ recipient: { email: 'a@example.com', group_id: 999_999 } }),
      'recipient.group_id',
    ],
    [
      'a group to display of nobody',
      (own) => ({ recipient: { email: 'a@example.com', groups_to_display: [own, 999_999] } }),
      'recipient.groups_to_display.1',
    ],
    [
      'the tag of a group and no group',
      () => ({ recipient: { email: 'a@example.com' }, html: '<%asm_group_unsubscribe_url%>' }),
      'recipient.group_id',
    ],
  ])('for %s', async (_name, request, field) => {
    const reply = await render(request(groupId))
    expect(reply.status).toBe(400)
    expect(reply.json).toMatchObject({ errors: [{ field }] })
  })
})

test('403 without the scope feedback.tokens', async () => {
  const other = await door.addTenant()
  const json = { recipient: { email: 'a@example.com' } }
  expect((await door.call('POST', path, { key: other.key, json })).status).toBe(403)
})
