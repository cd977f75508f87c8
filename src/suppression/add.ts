import { jsonb, type Sql } from '../db/sql.ts'
import type { SuppressionEntry, SuppressionList } from '../feedback/suppression.ts'
import { adjustCounts } from './counts.ts'

/** An address that was not on the list before. */
export type AddedSuppression = { list: SuppressionList; groupId: number; address: string }

/**
 * Puts addresses onto lists and gives back those that are new there. A later entry never weakens an
 * earlier one: it stays until the later of the two, and the strongest class that still stands is
 * the one shown.
 */
export async function addSuppressions(
  sql: Sql,
  tenantId: number,
  entries: readonly SuppressionEntry[],
): Promise<AddedSuppression[]> {
  const added: AddedSuppression[] = []
  for (const round of roundsOfDistinctKeys(entries)) {
    added.push(...(await upsert(sql, tenantId, round)))
  }
  await adjustCounts(
    sql,
    tenantId,
    added.map(({ list, groupId }) => ({ list, groupId, change: 1 })),
  )
  return added
}

/** One statement cannot touch a row twice. */
function roundsOfDistinctKeys(entries: readonly SuppressionEntry[]): SuppressionEntry[][] {
  const rounds: Map<string, SuppressionEntry>[] = []
  for (const entry of entries) {
    const key = `${entry.list} ${entry.groupId} ${entry.address}`
    let round = rounds.find((candidate) => !candidate.has(key))
    if (!round) {
      round = new Map()
      rounds.push(round)
    }
    round.set(key, entry)
  }
  return rounds.map((round) => [...round.values()])
}

async function upsert(
  sql: Sql,
  tenantId: number,
  entries: readonly SuppressionEntry[],
): Promise<AddedSuppression[]> {
  const rows = entries.map((entry) => row(tenantId, entry))
  const written = await sql<(AddedSuppression & { isNew: boolean })[]>`
    insert into suppression as s (
      tenant_id, address, list, group_id, created_at, origin, expires_at, suppresses_until,
      hard_until, soft_until, block_until, bounce_class, status, reason, source)
    select
      r.tenant_id, r.address, r.list, r.group_id, r.created_at, r.origin, r.expires_at,
      r.suppresses_until, r.hard_until, r.soft_until, r.block_until, r.bounce_class, r.status,
      r.reason, r.source
    from jsonb_populate_recordset(null::suppression, ${jsonb(sql, rows)}) as r
    order by r.address, r.list, r.group_id
    on conflict (tenant_id, address, list, group_id) do update set
      expires_at = case
        when s.expires_at is null or excluded.expires_at is null then null
        else greatest(s.expires_at, excluded.expires_at)
      end,
      suppresses_until = greatest(s.suppresses_until, excluded.suppresses_until),
      hard_until = greatest(s.hard_until, excluded.hard_until),
      soft_until = greatest(s.soft_until, excluded.soft_until),
      block_until = greatest(s.block_until, excluded.block_until),
      bounce_class = case when ${outranks(sql)} then excluded.bounce_class else s.bounce_class end,
      status = case when ${outranks(sql)} then excluded.status else s.status end,
      reason = case when ${outranks(sql)} then excluded.reason else s.reason end,
      source = coalesce(excluded.source, s.source)
    returning list, group_id, address, (xmax = 0) as is_new`
  return written
    .filter(({ isNew }) => isNew)
    .map(({ list, groupId, address }) => ({ list, groupId, address }))
}

/** Whether no stronger bounce than the new one stands when the new one comes. */
function outranks(sql: Sql): ReturnType<Sql> {
  return sql`case excluded.bounce_class
    when 'hard' then true
    when 'soft' then coalesce(s.hard_until <= excluded.created_at, true)
    else coalesce(greatest(s.hard_until, s.soft_until) <= excluded.created_at, true)
  end`
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
