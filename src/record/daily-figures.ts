import type { Sql } from '../db/sql.ts'
import { erasedPrefix } from '../feedback/erased-address.ts'

export const dayMs = 86_400_000
const minuteMs = 60_000
/** `date_bin` of the migration: slices begin at whole multiples, so that none is part of two days. */
const sliceMs = 10 * minuteMs
/** Feedback has long been written by then; what comes later has its day counted again. */
const closeAfterMs = 60 * minuteMs
/** Longer than any transaction lasts. */
const countAfterMs = minuteMs

type Progress = { countedUntil: Date; closedUntil: Date; closedAt: Date }

/**
 * Counts the feedback of the next ten minutes that are long over into the figures of their day;
 * `false` when there is nothing to count now.
 */
export async function countNextSlice(sql: Sql, now: Date): Promise<boolean> {
  const { countedUntil, closedUntil, closedAt } = await lockProgress(sql)
  if (countedUntil < closedUntil) {
    if (now.getTime() - closedAt.getTime() < countAfterMs) return false
    const before = new Date(countedUntil.getTime() + sliceMs)
    await addFigures(sql, sql`reported_at >= ${countedUntil} and reported_at < ${before}`)
    await sql`update daily_figure_progress set counted_until = ${before}`
    return true
  }
  const closable = new Date(Math.floor((now.getTime() - closeAfterMs) / sliceMs) * sliceMs)
  if (closable > closedUntil) {
    await sql`update daily_figure_progress set closed_until = ${closable}, closed_at = ${now}`
  }
  return false
}

/** Counts one of the days anew whose figures are wrong; `false` when there is none. */
export async function recountNextDay(sql: Sql): Promise<boolean> {
  const { countedUntil } = await lockProgress(sql)
  // Any of them: one that takes too long must not keep the others waiting. And only what is seen
  // now: the count sees at least as much, and who writes now asks once more.
  const [asked] = await sql<{ tenantId: number; day: string }[]>`
    with next as (
      select tenant_id, day
      from daily_figure_recount
      order by random()
      limit 1
    )
    delete from daily_figure_recount
    using next
    where daily_figure_recount.tenant_id = next.tenant_id and daily_figure_recount.day = next.day
    returning next.tenant_id, next.day::text`
  if (asked === undefined) return false
  const { tenantId, day } = asked
  await sql`
    delete from daily_figure
    where tenant_id = ${tenantId} and day = ${day}::text::date`
  await addFigures(
    sql,
    sql`tenant_id = ${tenantId} and ${reportedOn(sql, day)} and reported_at < ${countedUntil}`,
  )
  return true
}

/**
 * The part of a statement that has the days of its query `written (tenant_id, reported_at)`, rows of
 * feedback that came late, changed or went, counted again where they have been counted.
 */
export function recountDays(sql: Sql): ReturnType<Sql> {
  return sql`
    insert into daily_figure_recount (tenant_id, day)
    select distinct tenant_id, (reported_at at time zone 'UTC')::date
    from written
    where reported_at < (select closed_until from daily_figure_progress)`
}

/** Rows of feedback that are believed, in the columns of figures; the erased have one domain. */
export function figuresOfFeedback(sql: Sql, condition: ReturnType<Sql>): ReturnType<Sql> {
  return sql`
    select
      tenant_id, (reported_at at time zone 'UTC')::date as day,
      case
        when starts_with(recipient, ${erasedPrefix}) then ${erasedPrefix}
        else split_part(recipient, '@', -1)
      end as domain,
      origin, kind,
      coalesce(bounce_class, '') as bounce_class, coalesce(classification, '') as classification
    from feedback
    where withdrawn_at is null and ${condition}`
}

/** The condition that feedback was reported on a day of UTC, such as `2026-01-31`. */
export function reportedOn(sql: Sql, day: string): ReturnType<Sql> {
  return sql`reported_at >= ${startOfDay(day)} and reported_at < ${endOfDay(day)}`
}

export function startOfDay(day: string): Date {
  return new Date(`${day}T00:00:00Z`)
}

export function endOfDay(day: string): Date {
  return new Date(startOfDay(day).getTime() + dayMs)
}

/**
 * Until the end of the transaction: a plan for any times would not know how few rows lie between
 * them, and go through all of a tenant.
 */
export async function planForTheseTimes(sql: Sql): Promise<void> {
  await sql`set local plan_cache_mode = force_custom_plan`
}

/** Of several that count at once, one after the other. */
async function lockProgress(sql: Sql): Promise<Progress> {
  const [progress] = await sql<Progress[]>`
    select counted_until, closed_until, closed_at
    from daily_figure_progress
    for update`
  if (progress === undefined) throw new Error('table daily_figure_progress has lost its row')
  return progress
}

/** Also for all domains together, as domain '': their number is what makes figures many. */
async function addFigures(sql: Sql, condition: ReturnType<Sql>): Promise<void> {
  await planForTheseTimes(sql)
  await sql`
    insert into daily_figure as d (
      tenant_id, day, domain, origin, kind, bounce_class, classification, entries)
    select
      tenant_id, day, coalesce(domain, ''), origin, kind, bounce_class, classification, count(*)
    from (${figuresOfFeedback(sql, condition)}) as f
    group by tenant_id, day, origin, kind, bounce_class, classification, grouping sets ((), domain)
    on conflict (tenant_id, day, domain, origin, kind, bounce_class, classification)
      do update set entries = d.entries + excluded.entries`
}
