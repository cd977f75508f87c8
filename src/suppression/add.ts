import { jsonb, type Sql } from '../db/sql.ts'
import type { SuppressionEntry, SuppressionList } from '../feedback/suppression.ts'
import { countAdded } from './counts.ts'
import { keptImportLine, longestOfBoth, outranks } from './merge.ts'

/** An address that was not on the list before. */
export type AddedSuppression = { list: SuppressionList; groupId: number; address: string }

/**
 * Puts addresses onto lists and gives back those that are new there. A later entry never weakens an
 * earlier one: it stays until the later of the two, and the strongest class that still stands is
 * the one shown. Of several entries for one place the strongest gives its words, and one by hand its
 * origin.
 */
export async function addSuppressions(
  sql: Sql,
  tenantId: number,
  entries: readonly SuppressionEntry[],
): Promise<AddedSuppression[]> {
  if (entries.length === 0) return []
  const rows = entries.map((entry) => row(tenantId, entry))
  const gains = outranks(sql, sql`excluded.created_at`)
  return sql<AddedSuppression[]>`
    with written as (
      insert into suppression as s (
        tenant_id, address, list, group_id, created_at, origin, expires_at, suppresses_until,
        hard_until, soft_until, block_until, bounce_class, status, reason, source)
      select
        r.tenant_id, r.address, r.list, r.group_id, min(r.created_at), min(r.origin),
        case when bool_or(r.expires_at is null) then null else max(r.expires_at) end,
        max(r.suppresses_until), max(r.hard_until), max(r.soft_until), max(r.block_until),
        ${ofStrongest(sql, sql`bounce_class`)}, ${ofStrongest(sql, sql`status`)},
        ${ofStrongest(sql, sql`reason`)}, max(r.source)
      from jsonb_populate_recordset(null::suppression, ${jsonb(sql, rows)}) as r
      group by r.tenant_id, r.address, r.list, r.group_id
      order by r.address, r.list, r.group_id
      on conflict (tenant_id, address, list, group_id) do update set
        ${longestOfBoth(sql)},
        import_line = ${keptImportLine(sql)},
        bounce_class = case when ${gains} then excluded.bounce_class else s.bounce_class end,
        status = case when ${gains} then excluded.status else s.status end,
        reason = case when ${gains} then excluded.reason else s.reason end,
        source = coalesce(excluded.source, s.source)
      returning list, group_id, address, (xmax = 0) as is_new
    ),
    added as (select list, group_id, address from written where is_new),
    counted as (${countAdded(sql, tenantId)})
    select list, group_id, address from added`
}

function ofStrongest(sql: Sql, column: ReturnType<Sql>): ReturnType<Sql> {
  return sql`(array_agg(r.${column} order by
    array_position(array['hard', 'soft', 'block'], r.bounce_class), r.created_at desc))[1]`
}

function row(tenantId: number, entry: SuppressionEntry): object {
  const until = entry.until ?? 'infinity'
  return {
    tenant_id: tenantId,
    address: entry.address,
    list: entry.list,
    group_id: entry.groupId,
    created_at: entry.since,
    origin: entry.origin,
    expires_at: entry.until,
    suppresses_until: entry.suppresses ? until : null,
    hard_until: entry.bounceClass === 'hard' ? until : null,
    soft_until: entry.bounceClass === 'soft' ? until : null,
    block_until: entry.bounceClass === 'block' ? until : null,
    bounce_class: entry.bounceClass,
    status: entry.status,
    reason: entry.reason,
    source: entry.source,
  }
}
