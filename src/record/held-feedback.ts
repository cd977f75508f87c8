import type { Sql } from '../db/sql.ts'
import { recountDays } from './daily-figures.ts'

/** Reports that were held back as a storm: all of a tenant, or the part that is named. */
export type HeldFilter = {
  /** Reported at this time or later. */
  from: Date | null
  /** Reported earlier than this. */
  before: Date | null
}

export type HeldHour = {
  hour: Date
  bounceClass: string
  /** The server that refused, else the domain of the addresses. */
  host: string
  status: string | null
  /** The words of one of them. */
  reason: string | null
  reports: number
}

export type HeldReport = {
  feedbackId: string
  recipient: string
  remoteMta: string | null
  reportedAt: Date
}

/** Not the number of a machine, nor a name that only its own network knows: as providerOf sees it. */
const hostName = '[.][A-Za-z][A-Za-z0-9-]*[.]?$'

/** What waits for a decision, by hour and server, newest first; at most `limit` lines. */
export async function summariseHeldFeedback(
  sql: Sql,
  tenantId: number,
  filter: HeldFilter,
  limit: number,
): Promise<HeldHour[]> {
  return sql<HeldHour[]>`
    select
      date_trunc('hour', reported_at, 'UTC') as hour, bounce_class,
      case when remote_mta ~ ${hostName} then remote_mta else substring(recipient from '[^@]*$') end
        as host,
      status,
      min(reason) as reason, count(*)::int as reports
    from feedback
    where ${held(sql, tenantId, filter)}
    group by 1, 2, 3, 4
    order by hour desc, reports desc
    limit ${limit}`
}

/** The next reports after `after` (`null`: from the first on), oldest first. */
export async function listHeldFeedback(
  sql: Sql,
  tenantId: number,
  filter: HeldFilter,
  { after, limit }: { after: HeldReport | null; limit: number },
): Promise<HeldReport[]> {
  return sql<HeldReport[]>`
    select feedback_id, recipient, remote_mta, reported_at
    from feedback
    where ${held(sql, tenantId, filter)}
      ${after === null ? sql`` : sql`and (reported_at, feedback_id) > (${after.reportedAt}::timestamptz, ${after.feedbackId}::uuid)`}
    order by reported_at, feedback_id
    limit ${limit}`
}

/** They count from now on, or never will. Gives back the ids of those that still waited. */
export async function decideHeldFeedback(
  sql: Sql,
  tenantId: number,
  feedbackIds: readonly string[],
  decision: 'apply' | 'drop',
): Promise<Set<string>> {
  const decided = await sql<{ feedbackId: string }[]>`
    with written as (
      update feedback
      set
        withdrawn_at = ${decision === 'apply' ? null : sql`withdrawn_at`},
        withdrawn_by = ${decision === 'apply' ? null : 'drop'}
      where tenant_id = ${tenantId} and feedback_id = any(${feedbackIds}::uuid[])
        and withdrawn_by = 'storm'
      returning tenant_id, reported_at, feedback_id
    ),
    recounted as (${recountDays(sql)})
    select feedback_id from written`
  return new Set(decided.map(({ feedbackId }) => feedbackId))
}

function held(sql: Sql, tenantId: number, { from, before }: HeldFilter): ReturnType<Sql> {
  return sql`
    tenant_id = ${tenantId} and withdrawn_by = 'storm'
    ${from === null ? sql`` : sql`and reported_at >= ${from}`}
    ${before === null ? sql`` : sql`and reported_at < ${before}`}`
}
