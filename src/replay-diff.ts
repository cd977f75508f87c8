import type { Feedback } from './feedback/feedback.ts'
import type { Verdict } from './feedback/replay.ts'
import { bounceReason } from './feedback/suppression.ts'
import type { ToldFeedback } from './record/message-feedback.ts'

/** One address of one message on which rules of two days differ. */
export type VerdictChange = {
  receivedMessageId: string
  address: string
  before: Verdict | null
  after: Verdict | null
  /** Id of the feedback that counts no longer. */
  withdraws: string | null
  adds: Feedback | null
}

/**
 * What has to be changed so that a message led to `decided` instead of to `told`. What an operator
 * took back, or has still to decide, stays so; what a recipient asked for is no verdict: it stands.
 */
export function differences(
  receivedMessageId: string,
  told: readonly ToldFeedback[],
  decided: readonly Feedback[],
): VerdictChange[] {
  const changes: VerdictChange[] = []
  const unmatched = new Map(told.map((one) => [placeOf(one.kind, one.recipient), one]))
  for (const feedback of decided) {
    const address = feedback.attribution.recipient
    const place = placeOf(feedback.kind, address)
    const old = unmatched.get(place)
    unmatched.delete(place)
    const after = verdictOf(feedback)
    const before = old ? verdictTold(old) : null
    if (isDecidedByHand(old) || (before && isSame(before, after))) continue
    const withdraws = old?.feedbackId ?? null
    changes.push({ receivedMessageId, address, before, after, withdraws, adds: feedback })
  }
  for (const old of unmatched.values()) {
    if (isDecidedByHand(old) || old.kind === 'unsubscribe') continue
    const { feedbackId: withdraws, recipient: address } = old
    const before = verdictTold(old)
    changes.push({ receivedMessageId, address, before, after: null, withdraws, adds: null })
  }
  return changes
}

function isDecidedByHand(told: ToldFeedback | undefined): boolean {
  return told !== undefined && told.withdrawnBy !== null
}

function placeOf(kind: string, address: string): string {
  return `${kind} ${address}`
}

/** Rules may be renamed: as long as they say the same, nothing has changed. */
function isSame(before: Verdict, after: Verdict): boolean {
  if (before.kind === 'unsubscribe') return true
  return (
    before.bounceClass === after.bounceClass &&
    before.classification === after.classification &&
    before.status === after.status &&
    before.reason === after.reason &&
    before.isExpired === after.isExpired
  )
}

function verdictTold(told: ToldFeedback): Verdict {
  const { kind, bounceClass, classification, rule, status, reason, isExpired } = told
  return { kind, bounceClass, classification, rule, status, reason, isExpired }
}

function verdictOf(feedback: Feedback): Verdict {
  const verdict = {
    kind: feedback.kind,
    bounceClass: null,
    classification: null,
    rule: null,
    status: null,
    reason: null,
    isExpired: feedback.attribution.expired,
  }
  if (feedback.kind !== 'bounce') return verdict
  const { bounceClass, reason: classification, rule } = feedback.classification
  const { status } = feedback
  return { ...verdict, bounceClass, classification, rule, status, reason: bounceReason(feedback) }
}
