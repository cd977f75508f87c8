import { z } from 'zod'
import { findNewestBounces, type PastFeedback } from '../../record/history.ts'
import type { ListedSuppression } from '../../suppression/list.ts'
import { emailAddress, optionalText } from '../validate.ts'
import { add } from './add.ts'
import { emailInPath, listPage, listQuery, unixSeconds } from './list.ts'
import { listOccurrences } from './occurrences.ts'
import { removalRoutes } from './remove.ts'
import { type Caller, type Route, route } from './route.ts'
import { total, unixTimeOut } from './shapes.ts'

const key = { list: 'bounces', groupId: 0 } as const
const collection = '/suppression/bounces'
const one = `${collection}/:email`
const tag = 'Bounces'

const bounceType = z.enum(['hard', 'soft', 'block'])

const newBounce = z.object({
  email: emailAddress,
  bounce_type: bounceType.nullish().transform((given) => given ?? 'hard'),
  reason: optionalText(4_000),
})

const bounceRecord = z
  .strictObject({
    email: z.string(),
    created: unixTimeOut,
    reason: z.string().nullable(),
    bounce_type: bounceType.nullable(),
    status: z.string().nullable(),
  })
  .meta({ id: 'Bounce' })

export const bounceRoutes: readonly Route[] = [
  route(
    {
      method: 'get',
      path: collection,
      scope: 'suppressions.read',
      tag,
      summary: 'List bounces, newest first',
      query: listQuery,
      responses: { 200: z.strictObject({ bounces: z.array(bounceRecord), total }) },
    },
    async ({ query, ...caller }) => {
      const { page, total, headers } = await listPage(caller, key, collection, query)
      const bounces = await withStandingReasons(caller, page)
      return { status: 200, body: { bounces: bounces.map(listed), total }, headers }
    },
  ),
  route(
    {
      method: 'get',
      path: one,
      scope: 'suppressions.read',
      tag,
      summary: 'The bounces of one address since it came onto the list, newest first',
      params: emailInPath,
      responses: { 200: z.array(bounceRecord) },
    },
    async ({ params: { email }, ...caller }) => {
      const bounces = await listOccurrences(caller, key, 'bounce', email)
      return { status: 200, body: bounces.map((bounce) => record(email, bounce)) }
    },
  ),
  route(
    {
      method: 'post',
      path: collection,
      scope: 'suppressions.write',
      tag,
      summary: 'Add a bounce by hand',
      body: newBounce,
      responses: { 201: bounceRecord },
    },
    async ({ body: { email: address, bounce_type: bounceClass, reason }, ...caller }) => {
      await add(caller, [{ ...key, address, bounceClass, reason }])
      const occurrence = { reportedAt: caller.now, bounceClass, status: null, reason }
      return { status: 201, body: record(address, occurrence) }
    },
  ),
  ...removalRoutes(key, collection, tag),
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

function listed({
  address,
  createdAt,
  ...bounce
}: ListedSuppression): z.infer<typeof bounceRecord> {
  return record(address, { ...bounce, reportedAt: createdAt })
}

function record(email: string, bounce: Omit<PastFeedback, 'source'>): z.infer<typeof bounceRecord> {
  return {
    email,
    created: unixSeconds(bounce.reportedAt),
    reason: bounce.reason,
    bounce_type: bounce.bounceClass,
    status: bounce.status,
  }
}
