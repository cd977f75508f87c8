import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { BounceClass } from '../../../src/feedback/feedback.ts'
import type { SuppressionEntry, SuppressionList } from '../../../src/feedback/suppression.ts'
import { addSuppressions } from '../../../src/suppression/add.ts'
import { entry } from '../../suppression/entries.ts'
import { useDoor } from '../door.ts'

const door = useDoor()
const url = '/v3/suppression/check'
const now = 1_780_000_000
const addresses = ['a@example.com', 'b@example.com', '"q\\"q"@example.com', 'ü@example.com']
const strongestFirst: readonly BounceClass[] = ['hard', 'soft', 'block']

/** Places in the world's list of groups: 0 is the default group, 1 another one, 2 a deleted one. */
type Place = 0 | 1 | 2

type Listed = {
  list: SuppressionList
  address: string
  place: Place
  bounceClass: BounceClass
  /** Unix seconds. */
  since: number
  until: number | null
}

type World = { listed: Listed[]; hasDefault: boolean; blocksSuppress: boolean }

type Question = {
  emails: string[]
  place: Place | null
  bypass: { list: boolean; bounce: boolean; spam: boolean; unsubscribe: boolean }
}

const place = fc.constantFrom<Place>(0, 1, 2)

const world: fc.Arbitrary<World> = fc.record({
  listed: fc.array(
    fc.record({
      list: fc.constantFrom<SuppressionList>(
        'bounces',
        'spam_reports',
        'global_unsubscribes',
        'group_unsubscribes',
      ),
      address: fc.constantFrom(...addresses),
      place,
      bounceClass: fc.constantFrom(...strongestFirst),
      since: fc.integer({ min: now - 1_000, max: now }),
      // On either side of now, and at it.
      until: fc.option(fc.integer({ min: now - 3, max: now + 3 })),
    }),
    { maxLength: 12 },
  ),
  hasDefault: fc.boolean(),
  blocksSuppress: fc.boolean(),
})

const question: fc.Arbitrary<Question> = fc.record({
  emails: fc.array(fc.constantFrom(...addresses), { minLength: 1, maxLength: 6 }),
  place: fc.option(place),
  bypass: fc.record({
    list: fc.boolean(),
    bounce: fc.boolean(),
    spam: fc.boolean(),
    unsubscribe: fc.boolean(),
  }),
})

test('whatever is listed, all doors say what a plain model says', async () => {
  await fc.assert(
    fc.asyncProperty(world, question, async (world, question) => {
      const { key, groupIds } = await build(world)
      const expected = question.emails.map((email) => answer(world, question, groupIds, email))
      const body = bodyOf(question, groupIds)
      for (const path of [url, `${url}?`]) {
        const reply = await door.call('POST', path, { key, json: body })
        expect(reply.json).toEqual({ results: expected })
      }
      const [email = ''] = question.emails
      const path = `${url}/${encodeURIComponent(email)}?${queryOf(question, groupIds)}`
      expect((await door.call('GET', path, { key })).json).toEqual({ results: [expected[0]] })
    }),
    { numRuns: 60 },
  )
})

function answer(
  { listed, hasDefault, blocksSuppress }: World,
  { place, bypass }: Question,
  groupIds: readonly number[],
  email: string,
) {
  const group = place === 2 ? null : (place ?? (hasDefault ? 0 : null))
  const counts = (one: Listed): boolean =>
    one.address === email &&
    (one.until === null || one.until > now) &&
    (one.list !== 'bounces' || one.bounceClass !== 'block' || blocksSuppress)
  const skipped: Record<SuppressionList, boolean> = {
    bounces: bypass.list || bypass.bounce,
    spam_reports: bypass.list || bypass.spam,
    global_unsubscribes: bypass.list || bypass.unsubscribe,
    group_unsubscribes: bypass.list || group === null,
  }
  const reasons: [SuppressionList, string][] = [
    ['bounces', 'suppressed_bounce'],
    ['spam_reports', 'suppressed_spam'],
    ['global_unsubscribes', 'suppressed_unsubscribe'],
    ['group_unsubscribes', 'suppressed_group_unsubscribe'],
  ]
  const hits = reasons.flatMap(([list, reason]) => {
    const isHere = (one: Listed) =>
      one.address === email && one.list === list && (groupOf(one) === null || one.place === group)
    const all = listed.filter(isHere)
    const standing = all.filter(counts)
    if (skipped[list] || standing.length === 0) return []
    const ends = standing.map(({ until }) => until)
    const until = ends.includes(null) ? null : Math.max(...ends.map((end) => end ?? 0))
    const strongest = strongestFirst.find((bounceClass) =>
      standing.some((one) => one.bounceClass === bounceClass),
    )
    const since = Math.min(...all.map((one) => one.since))
    return [
      {
        reason,
        record: {
          list,
          ...(list === 'bounces' ? { bounce_type: strongest } : {}),
          ...(list === 'group_unsubscribes' ? { group_id: groupIds[group ?? 0] } : {}),
          since,
          until,
        },
      },
    ]
  })
  return {
    email,
    suppressed: hits.length > 0,
    reason: hits[0]?.reason ?? null,
    lists: hits.map(({ record }) => record),
  }
}

function groupOf({ list, place }: Listed): Place | null {
  return list === 'group_unsubscribes' ? place : null
}

/** A tenant of its own with this world on its lists. */
async function build(world: World): Promise<{ key: string; groupIds: number[] }> {
  door.setNow(new Date(now * 1_000))
  const { tenantId, key } = await door.addTenant()
  const groups = await door.sql<{ groupId: number }[]>`
    insert into suppression_group (tenant_id, name, is_default, deleted_at)
    values
      (${tenantId}, 'news', ${world.hasDefault}, null), (${tenantId}, 'offers', false, null),
      (${tenantId}, 'old', false, now())
    returning group_id`
  const groupIds = groups.map(({ groupId }) => groupId)
  for (const one of world.listed) {
    const added = entryOf(world, one, groupIds)
    await door.sql.begin((sql) => addSuppressions(sql, tenantId, [added]))
  }
  return { key, groupIds }
}

function entryOf(
  { blocksSuppress }: World,
  { list, address, place, bounceClass, since, until }: Listed,
  groupIds: readonly number[],
): SuppressionEntry {
  const isBounce = list === 'bounces'
  const isListedOnly = isBounce && bounceClass === 'block' && !blocksSuppress
  return entry(address, {
    list,
    groupId: list === 'group_unsubscribes' ? (groupIds[place] ?? 0) : 0,
    since: new Date(since * 1_000),
    // What does not suppress stays listed until it is removed.
    until: until === null || isListedOnly ? null : new Date(until * 1_000),
    suppresses: !isListedOnly,
    bounceClass: isBounce ? bounceClass : null,
    status: null,
    reason: null,
  })
}

function bodyOf({ emails, place, bypass }: Question, groupIds: readonly number[]): object {
  const settings = Object.entries(bypass).map(([name, enable]) => [
    `bypass_${name}_management`,
    { enable },
  ])
  return {
    emails,
    ...(place === null ? {} : { asm: { group_id: groupIds[place] } }),
    mail_settings: Object.fromEntries(settings),
  }
}

function queryOf({ place, bypass }: Question, groupIds: readonly number[]): URLSearchParams {
  const flags = Object.entries(bypass).map(([name, enable]) => [
    `bypass_${name}_management`,
    String(enable),
  ])
  const query = new URLSearchParams(Object.fromEntries(flags))
  if (place !== null) query.set('group_id', String(groupIds[place]))
  return query
}
