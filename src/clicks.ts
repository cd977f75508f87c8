import { uuidv7 } from 'uuidv7'
import type { SealedToken } from './attribute/sealed-token.ts'
import type { Sql } from './db/sql.ts'
import type { Choice, Left } from './feedback/choice.ts'
import type { Resubscribe, Unsubscribe } from './feedback/feedback.ts'
import { findClick, findClicked, wasLeftAgain } from './record/clicks.ts'
import { addFeedback, feedbackRow } from './record/feedback.ts'
import { holdLiveGroup } from './suppression/groups.ts'
import { holdEntry, unsubscribeList } from './suppression/preferences.ts'
import { writeResubscribe, writeUnsubscribe } from './write.ts'

/** What was really changed: clicks repeat. */
export type Recorded = readonly (Unsubscribe | Resubscribe)[]

/** A click on an unsubscribe link, for what the link is about. */
export async function leave(
  sql: Sql,
  token: SealedToken,
  via: Unsubscribe['via'],
  now: Date,
): Promise<{ left: Left; recorded: Recorded }> {
  const groupId = await groupToLeave(sql, token)
  const unsubscribe = { kind: 'unsubscribe' as const, ...clickOf(token, now), via, groupId }
  if (await writeUnsubscribe(sql, unsubscribe)) {
    return { left: { groupId, clickId: unsubscribe.id }, recorded: [unsubscribe] }
  }
  return { left: { groupId, clickId: await leaveAgain(sql, unsubscribe) }, recorded: [] }
}

/** What was chosen on the page of preferences. Groups that are gone can be neither left nor joined. */
export async function choose(
  sql: Sql,
  token: SealedToken,
  choices: readonly Choice[],
  now: Date,
): Promise<Recorded> {
  const recorded: (Unsubscribe | Resubscribe)[] = []
  const via = 'preferences-page'
  // In order of the groups, so that the forms of two windows never wait for each other.
  const ordered = [...choices].sort((a, b) => (a.groupId ?? 0) - (b.groupId ?? 0))
  for (const { wish, groupId } of ordered) {
    if (groupId !== null && !(await holdLiveGroup(sql, token.tenantId, groupId))) continue
    const click = { ...clickOf(token, now), via, groupId } as const
    if (wish === 'unsubscribe') {
      const unsubscribe = { kind: wish, ...click }
      if (await writeUnsubscribe(sql, unsubscribe)) recorded.push(unsubscribe)
      else await leaveAgain(sql, unsubscribe)
    } else {
      const resubscribe = { kind: wish, ...click }
      if (await writeResubscribe(sql, resubscribe)) recorded.push(resubscribe)
    }
  }
  return recorded
}

/** Long enough for whoever notices the mistake; the link in an old mail is no way back. */
const undoableMs = 86_400_000

/** Takes back what one click did, for a day, unless the recipient has left in another way since. */
export async function undo(
  sql: Sql,
  token: SealedToken,
  clickId: string,
  now: Date,
): Promise<Recorded> {
  const { tenantId, recipient } = token
  const clicked = await findClicked(sql, tenantId, recipient, clickId)
  if (clicked === null) return []
  const { groupId, clickedAt } = clicked
  if (now.getTime() - clickedAt.getTime() > undoableMs) return []
  const since = await holdEntry(sql, tenantId, unsubscribeList(groupId), recipient)
  if (since?.getTime() !== clickedAt.getTime()) return []
  const place = { recipient, groupId }
  if (await wasLeftAgain(sql, tenantId, place, { clickId, clickedAt })) return []
  const kind = 'resubscribe'
  const resubscribe = { kind, ...clickOf(token, now), via: 'undo', groupId } as const
  return (await writeResubscribe(sql, resubscribe)) ? [resubscribe] : []
}

/** Whoever leaves a group that is gone wants no more of this mail: that is everything then. */
async function groupToLeave(sql: Sql, { tenantId, groupId }: SealedToken): Promise<number | null> {
  return groupId !== null && (await holdLiveGroup(sql, tenantId, groupId)) ? groupId : null
}

/** Pages are slow and people press twice. */
const doubleClickMs = 10_000

/**
 * A click that finds the recipient gone already. The one that put him there is not to be taken back
 * any more: that is noted once, and only where it could be, for mail programs repeat themselves.
 * The second of a double click is the first one: its id, else `null`.
 */
async function leaveAgain(sql: Sql, unsubscribe: Unsubscribe): Promise<string | null> {
  const { attribution, groupId, via, reportedAt } = unsubscribe
  const { tenantId, recipient } = attribution
  const place = { recipient, groupId }
  const since = await holdEntry(sql, tenantId, unsubscribeList(groupId), recipient)
  const standing = since && (await findClick(sql, tenantId, place, since))
  if (standing === null || (await wasLeftAgain(sql, tenantId, place, standing))) return null
  const ageMs = reportedAt.getTime() - standing.clickedAt.getTime()
  if (standing.via === via && ageMs < doubleClickMs) return standing.clickId
  if (ageMs < undoableMs) await addFeedback(sql, [feedbackRow(unsubscribe)])
  return null
}

function clickOf(token: SealedToken, now: Date) {
  const { tenantId, recipient, messageReference, day: tokenDay } = token
  const evidence = 'sealed-token' as const
  return {
    id: uuidv7(),
    receivedMessageId: null,
    reportedAt: now,
    attribution: { tenantId, recipient, messageReference, tokenDay, evidence, expired: false },
  }
}
