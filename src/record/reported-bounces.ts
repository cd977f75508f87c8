import type { Sql } from '../db/sql.ts'
import { recountDays } from './daily-figures.ts'

/** A bounce that was reported, as far as it tells who said so. */
export type ReportedBounce = {
  feedbackId: string
  recipient: string
  remoteMta: string | null
  reportingMta: string | null
  reportedAt: Date
}

/** A time, its end excluded. */
export type Period = { since: Date; before: Date }

/** Whether it counts, or was taken back by an operator. */
export type BounceState = 'counting' | 'reverted'

/** The bounces that these messages reported. */
export async function listBouncesOfMessages(
  sql: Sql,
  tenantId: number,
  receivedMessageIds: readonly string[],
  state: BounceState,
): Promise<ReportedBounce[]> {
  return sql<ReportedBounce[]>`
    select feedback_id, recipient, remote_mta, reporting_mta, reported_at
    from feedback
    where tenant_id = ${tenantId} and received_message_id = any(${receivedMessageIds}::uuid[])
      and kind = 'bounce' and ${isIn(sql, state)}
    order by feedback_id`
}

/** Bounces that were reported without a message, oldest first, those after a position. */
export async function listBouncesWithoutMessage(
  sql: Sql,
  tenantId: number,
  { since, before }: Period,
  state: BounceState,
  { after, limit }: { after: ReportedBounce | null; limit: number },
): Promise<ReportedBounce[]> {
  return sql<ReportedBounce[]>`
    select feedback_id, recipient, remote_mta, reporting_mta, reported_at
    from feedback
    where tenant_id = ${tenantId} and received_message_id is null and origin = 'report'
      and reported_at >= ${since} and reported_at < ${before}
      ${after === null ? sql`` : sql`and (reported_at, feedback_id) > (${after.reportedAt}::timestamptz, ${after.feedbackId}::uuid)`}
      and kind = 'bounce' and ${isIn(sql, state)}
    order by reported_at, feedback_id
    limit ${limit}`
}

function isIn(sql: Sql, state: BounceState): ReturnType<Sql> {
  return state === 'counting' ? sql`withdrawn_at is null` : sql`withdrawn_by = 'revert'`
}

/** What was taken back counts again; gives back how many did not until now. */
export async function restoreFeedback(
  sql: Sql,
  tenantId: number,
  feedbackIds: readonly string[],
): Promise<number> {
  const [row] = await sql<{ count: number }[]>`
    with written as (
      update feedback
      set withdrawn_at = null, withdrawn_by = null
      where tenant_id = ${tenantId} and feedback_id = any(${feedbackIds}::uuid[])
        and withdrawn_by = 'revert'
      returning tenant_id, reported_at
    ),
    recounted as (${recountDays(sql)})
    select count(*)::int as count from written`
  return row?.count ?? 0
}
