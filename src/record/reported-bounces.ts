import type { Sql } from '../db/sql.ts'
import { recountDays } from './daily-figures.ts'

/** A bounce that was reported, as far as it tells who said so. */
export type ReportedBounce = {
  feedbackId: string
  recipient: string
  remoteMta: string | null
  reportingMta: string | null
  reportedAt: Date
  /** Hard or block, with a token in force if any: the storm breaker counts it. */
  isWeighed: boolean
  /** Held back as a storm: it has never counted. */
  isHeld: boolean
}

/** A time, its end excluded. */
export type Period = { since: Date; before: Date }

/** Whether it counts or waits for a decision, or was taken back by an operator. */
export type BounceState = 'standing' | 'reverted'

/** Those that counted until now, or do from now on; and how many others were or are held back. */
export type ChangedBounces = { counting: ReadonlySet<string>; held: number }

/** When the first report about a tenant came in; `null`: none has. */
export async function findFirstReport(sql: Sql, tenantId: number): Promise<Date | null> {
  // In order of the ids, which are made as time goes by: there is an index on them.
  const [first] = await sql<{ reportedAt: Date }[]>`
    select reported_at
    from feedback
    where tenant_id = ${tenantId} and kind = 'bounce' and origin = 'report'
    order by feedback_id
    limit 1`
  return first?.reportedAt ?? null
}

/** The bounces that these messages reported. */
export async function listBouncesOfMessages(
  sql: Sql,
  tenantId: number,
  receivedMessageIds: readonly string[],
  state: BounceState,
): Promise<ReportedBounce[]> {
  return sql<ReportedBounce[]>`
    select ${columns(sql)}
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
    select ${columns(sql)}
    from feedback
    where tenant_id = ${tenantId} and received_message_id is null and origin = 'report'
      and reported_at >= ${since} and reported_at < ${before}
      ${after === null ? sql`` : sql`and (reported_at, feedback_id) > (${after.reportedAt}::timestamptz, ${after.feedbackId}::uuid)`}
      and kind = 'bounce' and ${isIn(sql, state)}
    order by reported_at, feedback_id
    limit ${limit}`
}

function columns(sql: Sql): ReturnType<Sql> {
  return sql`
    feedback_id, recipient, remote_mta, reporting_mta, reported_at,
    bounce_class <> 'soft' and not token_expired as is_weighed,
    withdrawn_by is not distinct from 'storm' as is_held`
}

function isIn(sql: Sql, state: BounceState): ReturnType<Sql> {
  return state === 'standing' ? standing(sql) : sql`withdrawn_by = 'revert'`
}

function standing(sql: Sql): ReturnType<Sql> {
  return sql`(withdrawn_at is null or withdrawn_by = 'storm')`
}

/**
 * From now on these count no longer, and those that were held back wait no longer. Those keep the
 * time of their report as that of their withdrawal: by it they are known when they are restored.
 */
export async function revertFeedback(
  sql: Sql,
  tenantId: number,
  feedbackIds: readonly string[],
  now: Date,
): Promise<ChangedBounces> {
  const rows = await sql<Changed[]>`
    with written as (
      update feedback
      set withdrawn_at = coalesce(withdrawn_at, ${now}), withdrawn_by = 'revert'
      where tenant_id = ${tenantId} and feedback_id = any(${feedbackIds}::uuid[])
        and ${standing(sql)}
      returning tenant_id, reported_at, feedback_id, withdrawn_at = reported_at as is_held
    ),
    recounted as (${recountDays(sql)})
    select feedback_id, is_held from written`
  return changed(rows)
}

/** What was taken back counts again; what had been held back waits again. */
export async function restoreFeedback(
  sql: Sql,
  tenantId: number,
  feedbackIds: readonly string[],
): Promise<ChangedBounces> {
  const rows = await sql<Changed[]>`
    with written as (
      update feedback
      set
        withdrawn_at = case when withdrawn_at = reported_at then withdrawn_at end,
        withdrawn_by = case when withdrawn_at = reported_at then 'storm' end
      where tenant_id = ${tenantId} and feedback_id = any(${feedbackIds}::uuid[])
        and withdrawn_by = 'revert'
      returning tenant_id, reported_at, feedback_id, withdrawn_by is not null as is_held
    ),
    recounted as (${recountDays(sql)})
    select feedback_id, is_held from written`
  return changed(rows)
}

type Changed = { feedbackId: string; isHeld: boolean }

function changed(rows: readonly Changed[]): ChangedBounces {
  const counting = rows.filter(({ isHeld }) => !isHeld)
  return {
    counting: new Set(counting.map(({ feedbackId }) => feedbackId)),
    held: rows.length - counting.length,
  }
}
