import type { Sql } from './db/sql.ts'
import type { BounceClass } from './feedback/feedback.ts'
import type { ListEffect, Standing } from './feedback/replay.ts'
import type { ReportedList } from './feedback/suppression.ts'
import { addToOutbox, type OutboxEvent } from './publish/outbox.ts'
import {
  findStandingFeedback,
  type Hypothesis,
  type ToldEntry,
} from './record/standing-feedback.ts'
import { findReportedEntries, type ReportedEntry, replaceEntries } from './suppression/replace.ts'
import { findBounceDays } from './tenant/tenants.ts'

/**
 * Makes the entries of addresses on `bounces` and `spam_reports` what their history says now, tells
 * the outbox who came and went, and gives back what is another than before. For whatever changes
 * history after the fact: call it in the same transaction, behind that change, with at most about
 * 1,000 addresses. Reports that come in meanwhile wait, and count. What was added by hand stays, and
 * nothing comes back that was taken off the list by hand since it was reported; unsubscribes are no
 * verdict of ours and are left alone.
 */
export async function recomputeSuppressions(
  sql: Sql,
  tenantId: number,
  addresses: readonly string[],
  now: Date,
): Promise<ListEffect[]> {
  if (addresses.length === 0) return []
  // Two of them would lock totals of lists in different orders.
  await sql`select pg_advisory_xact_lock(hashtext('hearback recompute'), ${tenantId})`
  const ordered = [...new Set(addresses)].sort()
  const held = await findReportedEntries(sql, tenantId, ordered, { now, isHeld: true })
  const days = await findBounceDays(sql, tenantId)
  const wanted = await findStandingFeedback(sql, tenantId, ordered, days, now)
  const plan = planned(held, wanted, now)
  const events: OutboxEvent[] = []
  for (const list of lists) {
    const gone = plan.gone.filter((entry) => entry.list === list).map(({ address }) => address)
    const entries = plan.entries.filter((entry) => entry.list === list)
    const added = await replaceEntries(sql, tenantId, list, { entries, gone })
    events.push(
      ...gone.map((address) => ({ change: 'removed' as const, list, groupId: 0, address })),
      ...added.map((entry) => ({ change: 'added' as const, ...entry })),
    )
  }
  await addToOutbox(sql, tenantId, events, now)
  return plan.effects
}

/** What `recomputeSuppressions` would change if history were as supposed. Writes and holds nothing. */
export async function previewSuppressions(
  sql: Sql,
  tenantId: number,
  addresses: readonly string[],
  hypothesis: Hypothesis,
  now: Date,
): Promise<ListEffect[]> {
  const listed = await findReportedEntries(sql, tenantId, addresses, { now, isHeld: false })
  const days = await findBounceDays(sql, tenantId)
  const wanted = await findStandingFeedback(sql, tenantId, addresses, days, now, hypothesis)
  return planned(listed, wanted, now).effects
}

const lists: readonly ReportedList[] = ['bounces', 'spam_reports']

type Plan = {
  gone: readonly ReportedEntry[]
  entries: readonly ToldEntry[]
  effects: ListEffect[]
}

function planned(listed: readonly ReportedEntry[], wanted: readonly ToldEntry[], now: Date): Plan {
  const told = grouped(wanted)
  const kept = new Set(
    listed.filter((entry) => isKeptByHand(entry, told.get(placeOf(entry)))).map(placeOf),
  )
  const entries = wanted.filter((entry) => !kept.has(placeOf(entry)))
  const replaced = listed.filter((entry) => !kept.has(placeOf(entry)))
  const gone = replaced.filter((entry) => !told.has(placeOf(entry)))
  const before = new Map(replaced.map((entry) => [placeOf(entry), entry]))
  const places = new Map([...replaced, ...entries].map((entry) => [placeOf(entry), entry]))
  const effects = [...places].map(([place, { list, address }]) => ({
    list,
    address,
    before: standingOf(before.get(place)),
    after: strongest(told.get(place), now),
  }))
  return { gone, entries, effects: effects.filter(isChange) }
}

type Place = Pick<ToldEntry, 'list' | 'address'>

function placeOf({ list, address }: Place): string {
  return `${list} ${address}`
}

function grouped(entries: readonly ToldEntry[]): Map<string, ToldEntry[]> {
  const groups = new Map<string, ToldEntry[]>()
  for (const entry of entries) {
    const group = groups.get(placeOf(entry))
    if (group) group.push(entry)
    else groups.set(placeOf(entry), [entry])
  }
  return groups
}

/** Imports leave no history, and that of what a client added may be gone: then the entry has it. */
function isKeptByHand(entry: ReportedEntry, told: readonly ToldEntry[] = []): boolean {
  const { origin, isImported } = entry
  return isImported || (origin !== 'report' && !told.some((one) => one.origin === origin))
}

function standingOf(entry: ReportedEntry | undefined): Standing | null {
  return entry ? { bounceClass: entry.bounceClass, until: entry.until } : null
}

const strength: readonly (BounceClass | null)[] = ['hard', 'soft', 'block', null]

/** As addSuppressions merges them. */
function strongest(entries: readonly ToldEntry[] | undefined, now: Date): Standing | null {
  if (entries === undefined) return null
  const standing = entries.filter(({ until }) => until === null || until > now)
  const classes = standing.map(({ bounceClass }) => bounceClass)
  const ends = standing.map(({ until }) => until)
  const latest = Math.max(...ends.map((until) => until?.getTime() ?? Number.POSITIVE_INFINITY))
  return {
    bounceClass: strength.find((one) => classes.includes(one)) ?? null,
    until: Number.isFinite(latest) ? new Date(latest) : null,
  }
}

function isChange({ before, after }: ListEffect): boolean {
  return (
    before?.bounceClass !== after?.bounceClass ||
    before?.until?.getTime() !== after?.until?.getTime()
  )
}
