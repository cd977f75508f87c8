import type { Sql } from '../db/sql.ts'
import { providerOf } from '../feedback/provider.ts'
import type { Usual } from '../feedback/storm.ts'

/** Hard and block reports of one provider in one hour that were believed, or are no longer. */
export type BounceRate = { hour: Date; provider: string; change: number }

/** Commands take turns: what they decide locks the lists of the tenant. */
export const slotOfCommands = -1

const hourMs = 3_600_000
/** What is usual shows in so many hours: senders of one mailing a week have two of them there. */
const baselineHours = 14 * 24

/** The full hour, UTC. */
export function hourOf(time: Date): Date {
  return new Date(Math.floor(time.getTime() / hourMs) * hourMs)
}

/** What reports from before add to the figures of their hours, or take away (`-1`). */
export function ratesOf(
  reports: readonly { reportedAt: Date; remoteMta: string | null; recipient: string }[],
  sign: 1 | -1,
): BounceRate[] {
  const rates = new Map<string, BounceRate>()
  for (const { reportedAt, remoteMta, recipient } of reports) {
    const hour = hourOf(reportedAt)
    const provider = providerOf(remoteMta, recipient)
    const place = `${hour.getTime()} ${provider}`
    const rate = rates.get(place) ?? { hour, provider, change: 0 }
    rate.change += sign
    rates.set(place, rate)
  }
  return [...rates.values()]
}

/** In the transaction of the reports themselves. Transactions that run at once need other slots. */
export async function addBounceRates(
  sql: Sql,
  tenantId: number,
  slot: number,
  rates: readonly BounceRate[],
): Promise<void> {
  if (rates.length === 0) return
  await sql`
    insert into bounce_rate as b (tenant_id, hour, provider, slot, believed)
    select ${tenantId}::int, r.hour, r.provider, ${slot}::int, r.change
    from unnest(
      ${rates.map(({ hour }) => hour.toISOString())}::timestamptz[],
      ${rates.map(({ provider }) => provider)}::text[],
      ${rates.map(({ change }) => change)}::int[]
    ) as r (hour, provider, change)
    order by r.hour, r.provider
    on conflict (tenant_id, hour, provider, slot) do update
      set believed = b.believed + excluded.believed`
}

/** What the hour that has begun brought these tenants so far, by provider. */
export async function listBounceRates(
  sql: Sql,
  tenantIds: readonly number[],
  hour: Date,
): Promise<{ tenantId: number; provider: string; believed: number }[]> {
  return sql`
    select tenant_id, provider, greatest(sum(believed), 0)::float8 as believed
    from bounce_rate
    where tenant_id = any(${tenantIds}::int[]) and hour = ${hour}
    group by tenant_id, provider`
}

/** Stands for all providers together; no provider is called so. */
export const allProviders = ''

/** What a tenant is used to, by provider; `hours`: for how many it has been reported about. */
export async function findUsual(
  sql: Sql,
  tenantId: number,
  { hour, hours }: { hour: Date; hours: number },
): Promise<Map<string, Usual>> {
  const rows = await sql<{ provider: string; sum: number; busiest: number }[]>`
    select provider, sum(believed)::float8 as sum, max(believed)::float8 as busiest
    from (
      select coalesce(provider, ${allProviders}) as provider, greatest(sum(believed), 0) as believed
      from bounce_rate
      where tenant_id = ${tenantId} and hour >= ${startOf(hour)} and hour < ${hour}
      group by grouping sets ((hour, provider), (hour))
    ) as by_hour
    group by provider`
  const counted = Math.min(baselineHours, Math.max(1, hours))
  return new Map(
    rows.map(({ provider, sum, busiest }) => [provider, { average: sum / counted, busiest }]),
  )
}

/** Deletes up to `limit` rows that nothing needs any more; the number deleted. */
export async function purgeBounceRates(sql: Sql, now: Date, limit: number): Promise<number> {
  const purged = await sql`
    delete from bounce_rate
    where ctid = any(array(
      select ctid
      from bounce_rate
      where hour < ${startOf(hourOf(now))}
      limit ${limit}
      for update skip locked))`
  return purged.count
}

function startOf(hour: Date): Date {
  return new Date(hour.getTime() - baselineHours * hourMs)
}
