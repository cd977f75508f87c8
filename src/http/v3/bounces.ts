import { z } from 'zod'
import type { BounceClass } from '../../feedback/feedback.ts'
import { findNewestBounces, type PastFeedback } from '../../record/history.ts'
import type { ListedSuppression } from '../../suppression/list.ts'
import { emailAddress, optionalText } from '../validate.ts'
import { add } from './add.ts'
import { emailInPath, listPage, listQuery, unixSeconds } from './list.ts'
import { listOccurrences } from './occurrences.ts'
import { removalRoutes } from './remove.ts'
import { type Caller, type Route, route } from './route.ts'

type BounceRecord = {
  email: string
  created: number
  reason: string | null
  bounce_type: BounceClass | null
  status: string | null
}

const key = { list: 'bounces', groupId: 0 } as const
const collection = '/suppression/bounces'
const one = `${collection}/:email`
const read = 'suppressions.read'
const write = 'suppressions.write'

const newBounce = z.object({
  email: emailAddress,
  bounce_type: z
    .enum(['hard', 'soft', 'block'])
    .nullish()
    .transform((bounceType) => bounceType ?? 'hard'),
  reason: optionalText(4_000),
})

export const bounceRoutes: readonly Route[] = [
  route('get', collection, read, { query: listQuery }, async ({ query, ...caller }) => {
    const { page, total } = await listPage(caller, key, query)
    const bounces = await withStandingReasons(caller, page)
    return { status: 200, body: { bounces: bounces.map(listed), total } }
  }),
  route('get', one, read, { params: emailInPath }, async ({ params: { email }, ...caller }) => {
    const bounces = await listOccurrences(caller, key, 'bounce', email)
    return { status: 200, body: bounces.map((bounce) => record(email, bounce)) }
  }),
  route(
    'post',
    collection,
    write,
    { body: newBounce },
    async ({ body: { email: address, bounce_type: bounceClass, reason }, ...caller }) => {
      await add(caller, [{ ...key, address, bounceClass, reason }])
      const occurrence = { reportedAt: caller.now, bounceClass, status: null, reason }
      return { status: 201, body: record(address, occurrence) }
    },
  ),
  ...removalRoutes(key, collection),
]

/** Where a stronger bounce has lapsed, the words of the one that still stands. */
async function withStandingReasons(
  { db, tenantId }: Caller,
  page: readonly ListedSuppression[],
): Promise<ListedSuppression[]> {
  const wanted = page.flatMap(({ address: recipient, bounceClass, strongerLapsed }) =>
    strongerLapsed && bounceClass !== null ? [{ recipient, bounceClass }] : [],
  )
  if (wanted.length === 0) return [...page]
  const standing = await db.run((sql) => findNewestBounces(sql, tenantId, wanted))
  return page.map((entry) =>
    entry.strongerLapsed ? { ...entry, ...standing.get(entry.address) } : entry,
  )
}

function listed({ address, createdAt, ...bounce }: ListedSuppression): BounceRecord {
  return record(address, { ...bounce, reportedAt: createdAt })
}

function record(email: string, bounce: Omit<PastFeedback, 'source'>): BounceRecord {
  return {
    email,
    created: unixSeconds(bounce.reportedAt),
    reason: bounce.reason,
    bounce_type: bounce.bounceClass,
    status: bounce.status,
  }
}
