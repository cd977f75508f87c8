import type { Sql } from '../db/sql.ts'
import type { ImportEntry } from '../feedback/import-row.ts'
import { countAdded } from './counts.ts'
import type { ListKey } from './list.ts'
import { isWeaker, keptImportLine, outranks } from './merge.ts'

export type Imported = {
  /** How many addresses are new on the list. */
  added: number
  /** Places of the lines whose address had an entry that would lapse, or was of a weaker class. */
  strengthened: number[]
  /** Of those whose address had an entry as strong, for which reports alone spoke until now. */
  joined: number[]
}

const nothing: Imported = { added: 0, strengthened: [], joined: [] }

/**
 * Puts many addresses onto one list until they are removed; entries that are as strong stay as they
 * are, but for their origin: they outlive the reports that they began with. Of several lines for one address the strongest counts, of these the first. `tell` is the part of
 * the statement that tells others of the rows of its query `added (list, group_id, address)`.
 */
export async function importSuppressions(
  sql: Sql,
  tenantId: number,
  { list, groupId }: ListKey,
  entries: readonly ImportEntry[],
  { tell, now }: { tell: ReturnType<Sql>; now: Date },
): Promise<Imported> {
  if (entries.length === 0) return nothing
  const isGain = isWeaker(sql, sql`excluded.bounce_class`)
  const gains = sql`(${isGain} and ${outranks(sql, sql`${now}::timestamptz`)})`
  const [result] = await sql<Imported[]>`
    with line as (${lines(sql, entries)}),
    written as (
      insert into suppression as s (
        tenant_id, address, list, group_id, created_at, origin, import_line, expires_at,
        suppresses_until, hard_until, soft_until, block_until, bounce_class, status, reason, source)
      select
        ${tenantId}::int, l.address, ${list}::text, ${groupId}::int,
        coalesce(l.since, ${now}::timestamptz), 'import', '{}', null, 'infinity',
        ${infinityIf(sql, 'hard')}, ${infinityIf(sql, 'soft')}, ${infinityIf(sql, 'block')},
        l.bounce_class, l.status, l.reason, l.source
      from line as l
      order by l.address
      on conflict (tenant_id, address, list, group_id) do update set
        origin = least(s.origin, excluded.origin),
        import_line = ${keptImportLine(sql)},
        expires_at = null,
        suppresses_until = 'infinity',
        hard_until = greatest(s.hard_until, excluded.hard_until),
        soft_until = greatest(s.soft_until, excluded.soft_until),
        block_until = greatest(s.block_until, excluded.block_until),
        bounce_class = case when ${gains} then excluded.bounce_class else s.bounce_class end,
        status = case when ${gains} then excluded.status else s.status end,
        reason = case when ${gains} then excluded.reason else s.reason end,
        source = case when ${isGain} then coalesce(excluded.source, s.source) else s.source end
      where s.origin = 'report' or ${isGain}
      returning list, group_id, address, (xmax = 0) as is_new
    ),
    added as (select list, group_id, address from written where is_new),
    counted as (${countAdded(sql, tenantId)}),
    told as (${tell}),
    changed as (
      select
        l.place::int - 1 as place,
        -- As it was before this statement.
        coalesce((
          select ${isWeaker(sql, sql`l.bounce_class`)}
          from suppression as s
          where s.tenant_id = ${tenantId} and s.address = l.address
            and s.list = ${list} and s.group_id = ${groupId}
        ), true) as was_weaker
      from written as w
      join line as l using (address)
      where not w.is_new
    )
    select
      (select count(*) from added)::int as added,
      array(select place from changed where was_weaker) as strengthened,
      array(select place from changed where not was_weaker) as joined`
  return result ?? nothing
}

/**
 * Tells the planner that a list has grown. Until it knows, which is up to a minute, it may look for
 * one address by reading the whole list.
 */
export async function analyzeSuppressions(sql: Sql): Promise<void> {
  await sql`analyze (skip_locked) suppression`
}

/** How many of these `importSuppressions` would put onto the list or strengthen. */
export async function countImportable(
  sql: Sql,
  tenantId: number,
  { list, groupId }: ListKey,
  entries: readonly ImportEntry[],
): Promise<number> {
  const [row] = await sql<{ entries: number }[]>`
    select count(*)::int as entries
    from (${lines(sql, entries)}) as l
    left join suppression as s
      on s.tenant_id = ${tenantId} and s.address = l.address
      and s.list = ${list} and s.group_id = ${groupId}
    where s.address is null or ${isWeaker(sql, sql`l.bounce_class`)}`
  return row?.entries ?? 0
}

function infinityIf(sql: Sql, bounceClass: string): ReturnType<Sql> {
  return sql`case when l.bounce_class = ${bounceClass} then 'infinity'::timestamptz end`
}

/** A query of one line for each address, in the order in which others lock. */
function lines(sql: Sql, entries: readonly ImportEntry[]): ReturnType<Sql> {
  const classes = new Set(entries.map(({ bounceClass }) => bounceClass))
  const [common = null] = classes
  const several = classes.size > 1 ? entries : []
  return sql`
    select distinct on (address collate "C")
      address collate "C" as address, coalesce(bounce_class, ${common}::text) as bounce_class,
      status, reason, source, since, place
    from unnest(
      ${entries.map(({ address }) => address)}::text[],
      ${unlessEmpty(several.map(({ bounceClass }) => bounceClass))}::text[],
      ${unlessEmpty(entries.map(({ status }) => status))}::text[],
      ${unlessEmpty(entries.map(({ reason }) => reason))}::text[],
      ${unlessEmpty(entries.map(({ source }) => source))}::text[],
      ${unlessEmpty(entries.map(({ since }) => since?.toISOString() ?? null))}::timestamptz[]
    ) with ordinality as given (address, bounce_class, status, reason, source, since, place)
    order by
      address collate "C", array_position(array['hard', 'soft', 'block'], bounce_class), place`
}

/** `unnest` fills up with nulls what is shorter. */
function unlessEmpty(column: readonly (string | null)[]): readonly (string | null)[] {
  return column.some((value) => value !== null) ? column : []
}
