import type { Database, Sql } from '../db/sql.ts'
import { erasedPrefix } from '../feedback/erased-address.ts'
import type { BounceClass } from '../feedback/feedback.ts'
import type { Origin } from '../feedback/suppression.ts'
import {
  dayMs,
  endOfDay,
  figuresOfFeedback,
  planForTheseTimes,
  reportedOn,
  startOfDay,
} from './daily-figures.ts'

/**
 * So much feedback of a kind there was. `null` where the feedback has no such thing, or where it was
 * not counted by it.
 */
export type Figure = {
  /** Of UTC, such as `2026-01-31`. */
  day: string | null
  kind: string | null
  bounceClass: BounceClass | null
  classification: string | null
  /** Of the recipient; `null` of those who were erased. */
  domain: string | null
  origin: string | null
  count: number
}

export type FigureDimension = Exclude<keyof Figure, 'count'>

export type FigureQuery = {
  /** First and last day. */
  from: string
  to: string
  by: readonly FigureDimension[]
  origins: readonly Origin[]
  /** How many figures there may be. */
  limit: number
}

/** What has been counted ahead, as of one moment. */
type Ahead = {
  figures: Figure[]
  /** Whatever was reported later is not in it, nor are the days that are to be counted again. */
  countedUntil: Date
  wrongDays: string[]
}

/** A year of a tenant who writes to very many domains takes longer than one statement may. */
const daysAStatement = 7

/**
 * How much feedback there was, in the order of the dimensions; `null` when these are more figures
 * than there may be. What has been counted ahead is added up, the rest is counted now.
 */
export async function listFigures(
  db: Database,
  tenantId: number,
  query: FigureQuery,
  now: Date,
): Promise<Figure[] | null> {
  const sums = new Map<string, Figure>()
  const days = daysBetween(query.from, query.to).filter((day) => day <= dayOf(now))
  for (let at = 0; at < days.length; at += daysAStatement) {
    const some = days.slice(at, at + daysAStatement)
    const ahead = await db.run((sql) => findFigures(sql, tenantId, some, query))
    addTo(sums, ahead.figures)
    for (const day of some) {
      const from = ahead.wrongDays.includes(day) ? startOfDay(day) : ahead.countedUntil
      if (from >= endOfDay(day)) continue
      addTo(sums, await db.transaction((sql) => countDay(sql, tenantId, day, from, query)))
    }
    if (sums.size > query.limit) return null
  }
  return [...sums.values()].sort(inOrderOf(query.by))
}

async function findFigures(
  sql: Sql,
  tenantId: number,
  days: readonly string[],
  query: FigureQuery,
): Promise<Ahead> {
  const ofDays = sql`tenant_id = ${tenantId} and day = any(${days}::text[]::date[])`
  const right: ReturnType<Sql> = sql`
    select day, domain, origin, kind, bounce_class, classification, entries
    from daily_figure
    where ${ofDays} and ${query.by.includes('domain') ? sql`domain <> ''` : sql`domain = ''`}
      and day not in (select day from daily_figure_recount where ${ofDays})`
  // One statement: it sees the day that is just being counted as it was before, or as it is then.
  const [ahead] = await sql<Ahead[]>`
    select
      counted_until,
      array(select distinct day::text from daily_figure_recount where ${ofDays}) as wrong_days,
      (
        select coalesce(jsonb_agg(to_jsonb(g)), '[]')
        from (${grouped(sql, right, sql`sum(entries)`, query)}) as g
      ) as figures
    from daily_figure_progress`
  if (ahead === undefined) throw new Error('table daily_figure_progress has lost its row')
  return ahead
}

/** What was reported on a day, from a time on. */
async function countDay(
  sql: Sql,
  tenantId: number,
  day: string,
  from: Date,
  query: FigureQuery,
): Promise<Figure[]> {
  const rows = figuresOfFeedback(
    sql,
    sql`tenant_id = ${tenantId} and ${reportedOn(sql, day)} and reported_at >= ${from}`,
  )
  await planForTheseTimes(sql)
  return sql<Figure[]>`${grouped(sql, rows, sql`count(*)`, query)}`
}

/** One row more than the limit shows that there are too many. */
function grouped(
  sql: Sql,
  rows: ReturnType<Sql>,
  sum: ReturnType<Sql>,
  { by, origins, limit }: FigureQuery,
): ReturnType<Sql> {
  const when = (dimension: FigureDimension) => sql`case when ${by.includes(dimension)}::boolean`
  return sql`
    select
      ${when('day')} then day::text end as day,
      ${when('kind')} then kind end as kind,
      ${when('bounceClass')} then nullif(bounce_class, '') end as bounce_class,
      ${when('classification')} then nullif(classification, '') end as classification,
      ${when('domain')} then nullif(domain, ${erasedPrefix}) end as domain,
      ${when('origin')} then origin end as origin,
      (${sum})::float8 as count
    from (${rows}) as f
    where origin = any(${origins}::text[])
    group by 1, 2, 3, 4, 5, 6
    limit ${limit + 1}`
}

function addTo(sums: Map<string, Figure>, figures: readonly Figure[]): void {
  for (const figure of figures) {
    const { count, day, kind, bounceClass, classification, domain, origin } = figure
    const key = JSON.stringify([day, kind, bounceClass, classification, domain, origin])
    sums.set(key, { ...figure, count: (sums.get(key)?.count ?? 0) + count })
  }
}

function inOrderOf(by: readonly FigureDimension[]): (a: Figure, b: Figure) => number {
  return (a, b) => {
    const first = by.find((dimension) => a[dimension] !== b[dimension])
    if (first === undefined) return 0
    return (a[first] ?? '') < (b[first] ?? '') ? -1 : 1
  }
}

function daysBetween(from: string, to: string): string[] {
  const length = (startOfDay(to).getTime() - startOfDay(from).getTime()) / dayMs + 1
  return Array.from({ length }, (_, n) => dayOf(new Date(startOfDay(from).getTime() + n * dayMs)))
}

function dayOf(date: Date): string {
  return date.toISOString().slice(0, 10)
}
