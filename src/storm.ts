import type { Database } from './db/sql.ts'
import type { Feedback } from './feedback/feedback.ts'
import {
  type HourlyLoad,
  isStorm,
  minBaselineMs,
  type StormLimits,
  stormProvider,
} from './feedback/storm.ts'
import type { Log } from './log.ts'
import type { Metrics } from './metrics.ts'
import { type BounceRate, hourOf, summariseBounceRates } from './record/bounce-rate.ts'
import { findStormLimits } from './tenant/tenants.ts'

/** What of a batch is to be held back, and what the batch adds to the figures. */
export type StormVerdict = { held: ReadonlySet<Feedback>; rates: readonly BounceRate[] }

export type StormBreaker = {
  /** Reads the figures of tenants that are about to be judged, outside of any transaction. */
  prepare(tenantIds: readonly number[], now: Date): Promise<void>
  /** Of one tenant that was prepared, in the order in which it came. */
  judge(tenantId: number, feedback: readonly Feedback[]): StormVerdict
}

/** What is known of a tenant; counts of this process are added until the next look. */
type Watch = {
  readAt: number
  hour: number
  limits: StormLimits
  /** `false`: nobody knows yet what is usual. */
  hasBaseline: boolean
  loads: Map<string, HourlyLoad>
}

/** Stands for all providers together; no provider is called so. */
const everybody = ''
const freshMs = 5_000
const weekHours = 7 * 24

/**
 * Holds back hard and block reports beyond ten times what is usual (or as the tenant has set), from
 * one provider or in all: a provider's outage that says "no such user" of everybody must not empty a
 * list. Figures of other processes arrive within seconds, which is near enough for a brake.
 */
export function createStormBreaker({
  db,
  log,
  metrics,
}: {
  db: Database
  log: Log
  metrics: Metrics
}): StormBreaker {
  const watches = new Map<number, Watch>()

  async function refresh(tenantId: number, now: Date): Promise<void> {
    const known = watches.get(tenantId)
    const isFresh = known && performance.now() - known.readAt < freshMs
    if (isFresh && known.hour === hourOf(now).getTime()) return
    watches.set(tenantId, await read(db, tenantId, now))
  }

  return {
    async prepare(tenantIds, now) {
      for (const tenantId of tenantIds) if (tenantId > 0) await refresh(tenantId, now)
    },

    judge(tenantId, feedback) {
      const reports = feedback.flatMap((one) => {
        const provider = stormProvider(one)
        return provider === null ? [] : [{ one, provider }]
      })
      if (reports.length === 0) return { held: new Set(), rates: [] }
      const watch = watches.get(tenantId)
      const held = new Set<Feedback>()
      const rates = new Map<string, BounceRate>()
      for (const { one, provider } of reports) {
        const isHeld = watch !== undefined && admit(watch, provider)
        if (isHeld) held.add(one)
        const rate = rates.get(provider) ?? { provider, believed: 0, held: 0 }
        if (isHeld) rate.held++
        else rate.believed++
        rates.set(provider, rate)
      }
      metrics.heldReports.inc(held.size)
      for (const rate of rates.values()) {
        if (rate.held > 0) log.error({ tenantId, ...rate }, stormMessage)
      }
      return { held, rates: [...rates.values()] }
    },
  }
}

const stormMessage =
  'far more hard and block reports than usual: held back until `hearback hold apply` or `drop`'

/** Counts one more; `true` when it is beyond what is usual. */
function admit({ loads, limits, hasBaseline }: Watch, provider: string): boolean {
  const of = (name: string): HourlyLoad => {
    const load = loads.get(name) ?? { current: 0, usual: 0 }
    loads.set(name, load)
    return load
  }
  const [one, all] = [of(provider), of(everybody)]
  const isHeld = hasBaseline && (isStorm(one, limits) || isStorm(all, limits))
  one.current++
  all.current++
  return isHeld
}

async function read(db: Database, tenantId: number, now: Date): Promise<Watch> {
  const limits = await db.run((sql) => findStormLimits(sql, tenantId))
  const { since, providers } = await db.run((sql) => summariseBounceRates(sql, tenantId, now))
  const knownMs = since === null ? 0 : now.getTime() - since.getTime()
  const hours = Math.min(weekHours, Math.max(1, knownMs / 3_600_000))
  const loads = new Map<string, HourlyLoad>()
  const all = { current: 0, usual: 0 }
  for (const { provider, current, past } of providers) {
    loads.set(provider, { current, usual: past / hours })
    all.current += current
    all.usual += past / hours
  }
  loads.set(everybody, all)
  const hour = hourOf(now).getTime()
  return { readAt: performance.now(), hour, limits, hasBaseline: knownMs >= minBaselineMs, loads }
}
