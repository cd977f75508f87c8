import type { Database, Sql } from './db/sql.ts'
import type { Feedback } from './feedback/feedback.ts'
import {
  minBaselineMs,
  type StormLimits,
  stormLimit,
  stormProvider,
  type Usual,
} from './feedback/storm.ts'
import type { Log } from './log.ts'
import type { Metrics } from './metrics.ts'
import {
  allProviders,
  type BounceRate,
  findUsual,
  hourOf,
  listBounceRates,
} from './record/bounce-rate.ts'
import { findFirstReport } from './record/reported-bounces.ts'
import { listStormLimits } from './tenant/tenants.ts'

/** What of the feedback of a tenant is to be held back, and what the rest adds to the figures. */
export type StormVerdict = {
  tenantId: number
  held: ReadonlySet<Feedback>
  rates: readonly BounceRate[]
}

export type StormBreaker = {
  /** Reads what is to be known of tenants, and of how many reports each, before the transaction. */
  prepare(expected: ReadonlyMap<number, number>, now: Date): Promise<void>
  /** Of one tenant, in the order in which it came. */
  judge(tenantId: number, feedback: readonly Feedback[], now: Date): StormVerdict
  /** The transaction of these verdicts was committed. */
  committed(verdicts: readonly StormVerdict[]): void
  /** It was not: what they counted is read again. */
  failed(verdicts: readonly StormVerdict[]): void
}

/** What is known of a tenant in the hour that has begun; counts of ours are added until the next look. */
type Watch = {
  readAt: number
  limits: StormLimits
  /** Reports that were believed, by provider. */
  believed: Map<string, number>
  /** Whom they were about: nobody makes a storm alone. */
  counted: Set<string>
  /** What is usual, by provider; `null`: not needed so far. */
  usual: ReadonlyMap<string, Usual> | 'unknown' | null
}

const freshMs = 5_000
/** After a look that failed: it may have taken as long as a statement can, with mail behind it. */
const quietMs = 30_000
const nothingYet: Usual = { average: 0, busiest: 0 }

/**
 * Holds back hard and block reports beyond ten times what is usual (or as the tenant has set), from
 * one provider or in all: a provider's outage that says "no such user" of everybody must not empty a
 * list. Figures of other processes arrive within seconds, which is near enough for a brake; and where
 * they cannot be read mail is believed, not deferred.
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
  let hour = new Date(0)
  let isQuietUntil = 0

  async function look(expected: ReadonlyMap<number, number>, now: Date): Promise<void> {
    const stale = [...expected.keys()].filter((tenantId) => {
      const readAt = watches.get(tenantId)?.readAt ?? Number.NEGATIVE_INFINITY
      return performance.now() - readAt >= freshMs
    })
    if (stale.length > 0) await db.run((sql) => readHour(sql, stale))
    for (const [tenantId, reports] of expected) {
      const watch = watches.get(tenantId)
      if (watch?.usual !== null || !mayReachFloor(watch, reports)) continue
      watch.usual = await db.run((sql) => readUsual(sql, tenantId, hour, now))
    }
  }

  async function readHour(sql: Sql, tenantIds: readonly number[]): Promise<void> {
    const asked = hour
    const askedAt = performance.now()
    const limits = await listStormLimits(sql, tenantIds)
    const rates = await listBounceRates(sql, tenantIds, asked)
    if (hour !== asked) return
    const readAt = performance.now()
    for (const { tenantId, ...limit } of limits) {
      const known = watches.get(tenantId)
      // Another batch has looked meanwhile, and counted what is not committed yet.
      if (known && known.readAt > askedAt) continue
      const own = rates.filter((rate) => rate.tenantId === tenantId)
      const believed = new Map(own.map((rate) => [rate.provider, rate.believed]))
      const { counted = new Set<string>(), usual = null } = known ?? {}
      watches.set(tenantId, { readAt, limits: limit, believed, counted, usual })
    }
  }

  return {
    async prepare(expected, now) {
      if (hour.getTime() !== hourOf(now).getTime()) {
        watches.clear()
        hour = hourOf(now)
      }
      if (performance.now() < isQuietUntil) return
      try {
        await look(expected, now)
      } catch (error) {
        isQuietUntil = performance.now() + quietMs
        log.warn({ err: error }, 'the usual number of bounces could not be read')
      }
    },

    judge(tenantId, feedback, now) {
      const { held, believed } = weigh(watches.get(tenantId) ?? nobodyWatches(), feedback)
      const rates = [...believed].map(([provider, change]) => {
        return { hour: hourOf(now), provider, change }
      })
      return { tenantId, held, rates }
    },

    committed(verdicts) {
      for (const { tenantId, held } of verdicts) {
        metrics.heldReports.inc(held.size)
        for (const [provider, reports] of countByProvider(held)) {
          log.error({ tenantId, provider, held: reports }, stormMessage)
        }
      }
    },

    failed(verdicts) {
      for (const { tenantId } of verdicts) {
        const watch = watches.get(tenantId)
        if (!watch) continue
        watch.readAt = Number.NEGATIVE_INFINITY
        watch.counted.clear()
      }
    },
  }
}

const stormMessage =
  'far more hard and block reports than usual: held back until `hearback hold apply` or `drop`'

/** Half of it, since another batch may be on its way that is not counted yet. */
function mayReachFloor({ believed, limits }: Watch, reports: number): boolean {
  return limits.factor > 0 && sumOf(believed.values()) + reports >= limits.floor / 2
}

async function readUsual(
  sql: Sql,
  tenantId: number,
  hour: Date,
  now: Date,
): Promise<ReadonlyMap<string, Usual> | 'unknown'> {
  const first = await findFirstReport(sql, tenantId)
  const knownMs = first === null ? 0 : now.getTime() - first.getTime()
  if (knownMs < minBaselineMs) return 'unknown'
  return findUsual(sql, tenantId, { hour, hours: knownMs / 3_600_000 })
}

/** What of feedback is beyond the usual, and how much the rest counts by provider: an address once. */
function weigh(
  watch: Watch,
  feedback: readonly Feedback[],
): { held: ReadonlySet<Feedback>; believed: ReadonlyMap<string, number> } {
  const gauge = createGauge(watch)
  const held = new Set<Feedback>()
  const fresh: Feedback[] = []
  for (const one of feedback) {
    const provider = stormProvider(one)
    if (provider === null) continue
    // A copy: a part of a text keeps all of it in memory, and this stays for an hour.
    const recipient = Buffer.from(one.attribution.recipient).toString()
    if (gauge.isBeyond(provider)) held.add(one)
    else if (!watch.counted.has(recipient)) {
      watch.counted.add(recipient)
      gauge.count(provider)
      fresh.push(one)
    }
  }
  return { held, believed: countByProvider(fresh) }
}

function countByProvider(feedback: Iterable<Feedback>): Map<string, number> {
  const counts = new Map<string, number>()
  for (const one of feedback) countOne(counts, stormProvider(one) ?? '')
  return counts
}

/** Of a tenant whose figures could not be read everything is believed. */
function nobodyWatches(): Watch {
  const limits = { factor: 0, floor: 1 }
  return { readAt: 0, limits, believed: new Map(), counted: new Set(), usual: null }
}

/**
 * Tells whether one more report of a provider is beyond what is usual of it, or in all. A provider
 * that is beyond has a storm of its own, which is no reason to hold back reports of the others.
 */
function createGauge({ believed, limits, usual }: Watch): {
  isBeyond(provider: string): boolean
  count(provider: string): void
} {
  if (usual === null || usual === 'unknown') {
    return { isBeyond: () => false, count: (provider) => countOne(believed, provider) }
  }
  const limitOf = (name: string): number => stormLimit(usual.get(name) ?? nothingYet, limits)
  const isStorm = (name: string): boolean => (believed.get(name) ?? 0) >= limitOf(name)
  const calm = [...believed].filter(([provider]) => !isStorm(provider))
  let inAll = sumOf(calm.map(([, reports]) => reports))
  return {
    isBeyond: (provider) => isStorm(provider) || inAll >= limitOf(allProviders),
    count(provider) {
      countOne(believed, provider)
      inAll++
      if (isStorm(provider)) inAll -= believed.get(provider) ?? 0
    },
  }
}

function countOne(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1)
}

function sumOf(numbers: Iterable<number>): number {
  let sum = 0
  for (const number of numbers) sum += number
  return sum
}
