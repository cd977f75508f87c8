import type { Sql } from '../db/sql.ts'

/** Hard and block reports of one provider in one hour. */
export type BounceRate = { provider: string; believed: number; held: number }

/** What a tenant is used to, and what the hour that has begun brought so far. */
export type RateSummary = {
  provider: string
  /** Believed and held, in the hour of the question. */
  current: number
  /** Believed in the week before. */
  past: number
}

const slots = 64
const weekMs = 7 * 86_400_000

/** The full hour, UTC. */
export function hourOf(time: Date): Date {
  return new Date(Math.floor(time.getTime() / 3_600_000) * 3_600_000)
}

/** In the transaction of the reports themselves. */
export async function addBounceRates(
  sql: Sql,
  tenantId: number,
  rates: readonly BounceRate[],
  now: Date,
): Promise<void> {
  if (rates.length === 0) return
  const ordered = [...rates].sort((a, b) => (a.provider < b.provider ? -1 : 1))
  await sql`
    insert into bounce_rate as b (tenant_id, hour, provider, slot, believed, held)
    select
      ${tenantId}::int, ${hourOf(now)}::timestamptz, r.provider,
      ${Math.floor(Math.random() * slots)}::int, r.believed, r.held
    from unnest(
      ${ordered.map(({ provider }) => provider)}::text[],
      ${ordered.map(({ believed }) => believed)}::int[],
      ${ordered.map(({ held }) => held)}::int[]
    ) as r (provider, believed, held)
    on conflict (tenant_id, hour, provider, slot) do update
      set believed = b.believed + excluded.believed, held = b.held + excluded.held`
}

/** By provider; `since` is the first hour of the last week that brought any, `null` when none did. */
export async function summariseBounceRates(
  sql: Sql,
  tenantId: number,
  now: Date,
): Promise<{ since: Date | null; providers: RateSummary[] }> {
  const hour = hourOf(now)
  const rows = await sql<(RateSummary & { since: Date })[]>`
    select
      provider, min(hour) as since,
      coalesce(sum(believed + held) filter (where hour = ${hour}), 0)::float8 as current,
      coalesce(sum(believed) filter (where hour < ${hour}), 0)::float8 as past
    from bounce_rate
    where tenant_id = ${tenantId} and hour > ${new Date(now.getTime() - weekMs)}
    group by provider`
  const times = rows.map(({ since }) => since.getTime())
  return { since: times.length > 0 ? new Date(Math.min(...times)) : null, providers: rows }
}

/** Deletes up to `limit` rows that no baseline needs any more; the number deleted. */
export async function purgeBounceRates(sql: Sql, now: Date, limit: number): Promise<number> {
  const purged = await sql`
    delete from bounce_rate
    where ctid = any(array(
      select ctid
      from bounce_rate
      where hour < ${new Date(now.getTime() - 2 * weekMs)}
      limit ${limit}
      for update skip locked))`
  return purged.count
}
