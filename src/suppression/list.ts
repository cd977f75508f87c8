import type { Sql } from '../db/sql.ts'
import { erasedPrefix } from '../feedback/erased-address.ts'
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

/** Where in the order of a list a row stands. */
export type ListPosition = Pick<ListedSuppression, 'createdAt' | 'address'>

/** Which rows of the order: so many from an offset on, or after a row. */
export type ListWindow = { limit: number } & ({ offset: number } | { after: ListPosition })

/** Newest first, then by address; expired entries that the sweeper has not met yet among them. */
export async function listSuppressions(
  sql: Sql,
  tenantId: number,
  key: ListKey,
  filter: ListFilter,
  window: ListWindow,
  now: Date,
): Promise<ListedSuppression[]> {
  // The rows themselves are read for this page only: to skip the others the index is enough.
  return sql<ListedSuppression[]>`
    select
      address, created_at, standing as bounce_class,
      coalesce(standing <> bounce_class, false) as stronger_lapsed,
      status, reason, source
    from (
      select
        s.address, s.created_at, bounce_class, status, reason, source,
        ${standingClass(sql, now)} as standing
      from (${pageKeys(sql, matches(sql, tenantId, key, filter), window)}) as page
      join suppression as s
        on s.tenant_id = ${tenantId} and s.list = ${key.list} and s.group_id = ${key.groupId}
        and s.address = page.address
    ) as listed
    order by created_at desc, address`
}

/** The strongest class of an entry that still stands; once all are over, the last one shown. */
export function standingClass(sql: Sql, now: Date): ReturnType<Sql> {
  return sql`case
    when hard_until > ${now} then 'hard'
    when soft_until > ${now} then 'soft'
    when block_until > ${now} then 'block'
    else bounce_class
  end`
}

function pageKeys(sql: Sql, matching: ReturnType<Sql>, window: ListWindow): ReturnType<Sql> {
  const { limit } = window
  if ('offset' in window) {
    return sql`
      select address, created_at
      from suppression
      where ${matching}
      order by created_at desc, address
      limit ${limit}
      offset ${window.offset}`
  }
  const { createdAt, address } = window.after
  // Two ranges of the index: as one condition it would read all rows of the same moment, and an
  // import puts a million there.
  return sql`
    select address, created_at
    from (
      (select address, created_at
      from suppression
      where ${matching} and created_at = ${createdAt} and address > ${address}
      order by address
      limit ${limit})
      union all
      (select address, created_at
      from suppression
      where ${matching} and created_at < ${createdAt}
      order by created_at desc, address
      limit ${limit})
    ) as following
    order by created_at desc, address
    limit ${limit}`
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
  const [found] = await listSuppressions(sql, tenantId, key, filter, { limit: 1, offset: 0 }, now)
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
    and ${address === null ? sql`not starts_with(address, ${erasedPrefix})` : sql`address = ${address}`}
    ${from === null ? sql`` : sql`and created_at >= ${from}`}
    ${before === null ? sql`` : sql`and created_at < ${before}`}`
}
