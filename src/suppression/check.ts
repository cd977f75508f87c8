import type { Sql } from '../db/sql.ts'
import type { BounceClass } from '../feedback/feedback.ts'
import type { SuppressionList } from '../feedback/suppression.ts'
import { findHits } from './check-hits.ts'

/** Why a mail would not be sent, in the words that mail systems get. */
export type DropReason =
  | 'suppressed_bounce'
  | 'suppressed_spam'
  | 'suppressed_unsubscribe'
  | 'suppressed_group_unsubscribe'

/** What a sender asks to be left out of the decision; `listManagement` leaves everything out. */
export type Bypass = {
  listManagement: boolean
  bounceManagement: boolean
  spamManagement: boolean
  /** The global list only: groups go on being checked. */
  unsubscribeManagement: boolean
}

export const noBypass: Bypass = {
  listManagement: false,
  bounceManagement: false,
  spamManagement: false,
  unsubscribeManagement: false,
}

/** An entry that suppresses an address at the time of the check. */
export type Hit = {
  list: SuppressionList
  /** 0 for the lists that have no groups. */
  groupId: number
  /** The strongest class that stands and suppresses; `null` on every list but `bounces`. */
  bounceClass: BounceClass | null
  /** Came onto the list; unix seconds. */
  since: number
  /** Suppresses until then, in unix seconds; `null`: until removed. */
  until: number | null
}

/** May mail be sent? `reason` is `null` when it may; the hits stand in the order of precedence. */
export type Verdict = { reason: DropReason | null; hits: readonly Hit[] }

/** The tenant has never had the group that was named. */
export class UnknownGroupError extends Error {
  override name = 'UnknownGroupError'
}

/**
 * The verdicts on canonical addresses, in their order. Without a group that of the tenant's default
 * group, if it has one; a deleted group leaves only the global lists. Throws an UnknownGroupError.
 */
export async function checkAddresses(
  sql: Sql,
  tenantId: number,
  addresses: readonly string[],
  groupId: number | null,
  bypass: Bypass,
  now: Date,
): Promise<Verdict[]> {
  const [hits = null] = await findHits(sql, [{ tenantId, groupId, addresses }], now)
  if (hits === null) throw new UnknownGroupError('The tenant has no such group')
  return hits.map((found) => verdictOf(found, bypass))
}

/** In the order of precedence. */
const reasons: Record<SuppressionList, DropReason> = {
  bounces: 'suppressed_bounce',
  spam_reports: 'suppressed_spam',
  global_unsubscribes: 'suppressed_unsubscribe',
  group_unsubscribes: 'suppressed_group_unsubscribe',
}
const precedence = Object.keys(reasons)

const nothingFound: Verdict = { reason: null, hits: [] }

/** The policy: which of the entries of an address count, and which of them is the reason. */
export function verdictOf(found: readonly Hit[], bypass: Bypass): Verdict {
  if (found.length === 0) return nothingFound
  const hits = found
    .filter(({ list }) => !isBypassed(list, bypass))
    .sort((a, b) => precedence.indexOf(a.list) - precedence.indexOf(b.list))
  const [first] = hits
  return { reason: first ? reasons[first.list] : null, hits }
}

function isBypassed(list: SuppressionList, bypass: Bypass): boolean {
  if (bypass.listManagement) return true
  switch (list) {
    case 'bounces':
      return bypass.bounceManagement
    case 'spam_reports':
      return bypass.spamManagement
    case 'global_unsubscribes':
      return bypass.unsubscribeManagement
    case 'group_unsubscribes':
      return false
  }
}
