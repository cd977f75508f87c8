import { jsonb, type Sql } from '../db/sql.ts'
import type { BounceDays, ReportedList, SuppressionEntry } from '../feedback/suppression.ts'
import type { FeedbackRow } from './feedback.ts'

/** What would be so if it were written: these rows withdrawn, those added. */
export type Hypothesis = {
  /** Ids of feedback. */
  withdrawn: readonly string[]
  added: readonly FeedbackRow[]
}

const nothing: Hypothesis = { withdrawn: [], added: [] }

/** What is told of an address: an entry for each class. */
export type ToldEntry = SuppressionEntry & { list: ReportedList }

/**
 * What the history of addresses puts onto the lists `bounces` and `spam_reports` today: an entry for
 * each class of bounce, none for whoever has lapsed. What was withdrawn does not count, nor what was
 * reported before the address was last taken off the list by hand. Reports last as long as `days`
 * says now.
 */
export async function findStandingFeedback(
  sql: Sql,
  tenantId: number,
  addresses: readonly string[],
  days: BounceDays,
  now: Date,
  hypothesis = nothing,
): Promise<ToldEntry[]> {
  if (addresses.length === 0) return []
  const rows = await sql<Omit<ToldEntry, 'groupId'>[]>`
    with place as (${places(sql, tenantId, addresses)}),
    told as (${told(sql, tenantId, addresses, hypothesis)}),
    lasting as (
      select
        p.address, p.list, t.origin, t.bounce_class, t.status, t.reason, t.source, t.feedback_id,
        t.reported_at, l.days, coalesce(t.reported_at + nullif(l.days, 0) * interval '1 day', 'infinity') as until
      from told as t
      join place as p on p.address = t.recipient and p.kind = t.kind
      cross join lateral (${daysOf(sql, days)}) as l
      where p.removed_at is null or t.reported_at > p.removed_at
    ),
    covered as (
      select *, max(until) over (
        partition by address, list order by reported_at, feedback_id
        rows between unbounded preceding and 1 preceding) as covered_until
      from lasting
    ),
    spell as (
      select *, max(reported_at) filter (where covered_until is null or covered_until <= reported_at)
        over (partition by address, list) as began_at
      from covered
    ),
    entry as (
      select
        address, list, bounce_class, min(origin) as origin, min(reported_at) as since,
        max(until) as until, bool_or(days is distinct from 0) as suppresses,
        (array_agg(status order by reported_at desc, feedback_id desc))[1] as status,
        (array_agg(reason order by reported_at desc, feedback_id desc))[1] as reason,
        (array_agg(source order by reported_at desc, feedback_id desc)
          filter (where source is not null))[1] as source
      from spell
      where reported_at >= began_at
      group by address, list, bounce_class
    )
    select
      address, list, bounce_class, origin, since, nullif(until, 'infinity') as until, suppresses,
      status, reason, source
    from (
      select *, max(until) over (partition by address, list) as listed_until
      from entry
    ) as e
    where listed_until > ${now}
    order by address, list, since`
  return rows.map((row) => ({ ...row, groupId: 0 }))
}

/** Addresses by list, and when each was last taken off by hand. */
function places(sql: Sql, tenantId: number, addresses: readonly string[]): ReturnType<Sql> {
  return sql`
    select
      wanted.address, l.kind, l.list,
      greatest(l.emptied_at, (
        select max(happened_at)
        from audit_entry as a
        where a.tenant_id = ${tenantId} and a.address = wanted.address and a.list = l.list
          and a.action = 'suppression.remove'
      )) as removed_at
    from unnest(${addresses}::text[]) as wanted (address)
    cross join (
      select kind, list, (
        select max(happened_at)
        from audit_entry as a
        where a.tenant_id = ${tenantId} and a.list = named.list and a.group_id = 0
          and a.action = 'suppression.remove-all'
      ) as emptied_at
      from (values ('bounce', 'bounces'), ('spam-report', 'spam_reports')) as named (kind, list)
    ) as l`
}

function told(
  sql: Sql,
  tenantId: number,
  addresses: readonly string[],
  { withdrawn, added }: Hypothesis,
): ReturnType<Sql> {
  const columns = sql`
    recipient, kind, reported_at, feedback_id, origin, bounce_class, status, reason, source`
  return sql`
    select ${columns}
    from feedback
    where tenant_id = ${tenantId} and recipient = any(${addresses}::text[])
      and not token_expired and withdrawn_at is null
      and feedback_id <> all(${withdrawn}::uuid[])
    union all
    select ${columns}
    from jsonb_populate_recordset(null::feedback, ${jsonb(sql, added)}) as r
    where not token_expired`
}

/** Only bounces that were reported ever lapse. */
function daysOf(sql: Sql, { hard, soft, block }: BounceDays): ReturnType<Sql> {
  return sql`
    select case
      when t.kind <> 'bounce' or t.origin <> 'report' then null
      when t.bounce_class = 'hard' then ${hard}::int
      when t.bounce_class = 'soft' then ${soft}::int
      else ${block}::int
    end as days`
}
