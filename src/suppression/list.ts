import type { Sql } from '../db/sql.ts'
import type { BounceClass } from '../feedback/feedback.ts'
import type { SuppressionList } from '../feedback/suppression.ts'

/** One list of a tenant; the group is 0 for the lists that have no groups. */
export type ListKey = { list: SuppressionList; groupId: number }

/** Which entries: all of those that are given must hold. */
export type ListFilter = {
  /** Canonical address. */
  address: string | null
  /** Came onto the list at this time or later. */
  from: Date | null
  /** Came onto the list earlier than this. */
  before: Date | null
}

export type ListedSuppression = {
  address: string
  createdAt: Date
  /** The strongest class that still stands; `null` on every list but `bounces`. */
  bounceClass: BounceClass | null
  /** Whether `status` and `reason` are those of a stronger bounce, which stands no more. */
  strongerLapsed: boolean
  status: string | null
  reason: string | null
  source: string | null
}

/** Newest first, then by address; expired entries that the sweeper has not met yet among them. */
export async function listSuppressions(
  sql: Sql,
  tenantId: number,
  key: ListKey,
  filter: ListFilter,
  { limit, offset, now }: { limit: number; offset: number; now: Date },
): Promise<ListedSuppression[]> {
  return sql<ListedSuppression[]>`
    select
      address, created_at, standing as bounce_class,
      coalesce(standing <> bounce_class, false) as stronger_lapsed,
      status, reason, source
    from (
      select
        address, created_at, bounce_class, status, reason, source,
        case
          when hard_until > ${now} then 'hard'
          when soft_until > ${now} then 'soft'
          when block_until > ${now} then 'block'
          else bounce_class
        end as standing
      from suppression
      where ${matches(sql, tenantId, key, filter)}
      order by created_at desc, address
      limit ${limit}
      offset ${offset}
    ) as listed
    order by created_at desc, address`
}

/** The entry of one address, `null` when it is not on the list. */
export async function findSuppression(
  sql: Sql,
  tenantId: number,
  key: ListKey,
  address: string,
  now: Date,
): Promise<ListedSuppression | null> {
  const filter = { address, from: null, before: null }
  const [found] = await listSuppressions(sql, tenantId, key, filter, { limit: 1, offset: 0, now })
  return found ?? null
}

/** How many entries match: exact, and slow on long lists. `countSuppressions` has the unfiltered sum. */
export async function countMatches(
  sql: Sql,
  tenantId: number,
  key: ListKey,
  filter: ListFilter,
): Promise<number> {
  const [row] = await sql<{ total: number }[]>`
    select count(*)::float8 as total
    from suppression
    where ${matches(sql, tenantId, key, filter)}`
  return row?.total ?? 0
}

function matches(
  sql: Sql,
  tenantId: number,
  { list, groupId }: ListKey,
  { address, from, before }: ListFilter,
): ReturnType<Sql> {
  return sql`
    tenant_id = ${tenantId} and list = ${list} and group_id = ${groupId}
    ${address === null ? sql`` : sql`and address = ${address}`}
    ${from === null ? sql`` : sql`and created_at >= ${from}`}
    ${before === null ? sql`` : sql`and created_at < ${before}`}`
}
