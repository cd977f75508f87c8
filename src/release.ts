import type { Decision } from './decide.ts'
import type { ChangedBy } from './feedback/actor.ts'
import type { Feedback } from './feedback/feedback.ts'
import type { Concerned, Release, Vouched, Waiting } from './feedback/release.ts'
import { listOf } from './feedback/suppression.ts'
import { findReadableMessage, type ReadableMessage } from './record/stored-messages.ts'
import { markReleased } from './record/stored-messages-change.ts'
import { repeatAfterDeadlock } from './repeat-after-deadlock.ts'
import { applyChunk, type Redecided, redecide, withoutErased } from './replay-chunk.ts'
import { decideVouched, type ReplayDeps } from './stored-decision.ts'
import { findListed } from './suppression/listed.ts'

/**
 * Lets a message act that was not believed, or not understood when it came: by today's rules if
 * these do, else on the word of an operator and for those whom he names alone. It then counts as if
 * it had been so from the first: what has lapsed since is not listed again.
 */
export async function release(
  deps: ReplayDeps,
  { tenantId, ownerId, receivedMessageId }: Waiting,
  { recipients, by }: Vouched,
): Promise<Release> {
  const message = await deps.db.run((sql) => findReadableMessage(sql, tenantId, receivedMessageId))
  if (message === null) return { result: 'not-found' }
  if (!isWaiting(message)) return { result: 'not-waiting' }
  const [spoken] = (await redecide(deps, tenantId, [message])).redecided
  if (spoken && ['recorded', 'ignored'].includes(spoken.decision.outcome.result)) {
    return write(deps, tenantId, spoken, { by, isVouchedFor: false })
  }
  if (ownerId === 0) return { result: 'unowned' }
  const asked = recipients === 'all' ? null : recipients
  const vouched = await decideVouched(deps, ownerId, message, asked)
  if (vouched.result === 'undecidable') return { result: 'names-nobody', reason: vouched.reason }
  const { outcome, report } = vouched
  const feedback = feedbackOf(vouched).filter(
    ({ attribution }) => asked?.includes(attribution.recipient) ?? true,
  )
  const named = feedback.map(({ attribution }) => attribution.recipient)
  const addresses = asked?.filter((address) => !named.includes(address)) ?? []
  if (addresses.length > 0) return { result: 'not-named', addresses }
  if (feedback.length === 0) {
    return { result: 'names-nobody', reason: 'reason' in outcome ? outcome.reason : 'no-recipient' }
  }
  if (recipients === null) return { result: 'unconfirmed', concerned: feedback.map(concerned) }
  const decision = { outcome: { result: 'recorded' as const, feedback }, report }
  const released = { message, decision, tenantId: ownerId }
  return write(deps, tenantId, released, { by, isVouchedFor: true })
}

function isWaiting({ outcome }: Pick<ReadableMessage, 'outcome'>): boolean {
  return outcome === 'unattributed' || outcome === 'quarantined'
}

async function write(
  deps: ReplayDeps,
  from: number,
  released: Redecided,
  { by, isVouchedFor }: { by: ChangedBy; isVouchedFor: boolean },
): Promise<Release> {
  const now = deps.now()
  const { tenantId, message } = released
  const { changes, listed, feedback } = await repeatAfterDeadlock(async () => {
    const kept = await withoutErased(deps, [released])
    return deps.db.transaction(async (sql) => {
      const change = { action: 'message.release', by, now } as const
      const { changes } = await applyChunk(sql, from, kept, change)
      const isDone = changes.length > 0
      if (isDone && isVouchedFor) await markReleased(sql, tenantId, message.receivedMessageId, now)
      const feedback = kept.flatMap(({ decision }) => feedbackOf(decision))
      const listed = await findListed(sql, tenantId, feedback.map(placeOf))
      return { changes, listed, feedback }
    })
  })
  if (changes.length === 0) return { result: 'not-waiting' }
  const told = feedback.map((one) => {
    const { address, list } = placeOf(one)
    const isListed = listed.some((place) => place.address === address && place.list === list)
    return { ...concerned(one), isListed }
  })
  return { result: 'released', isVouchedFor, concerned: told }
}

function feedbackOf({ outcome }: Pick<Decision, 'outcome'>): readonly Feedback[] {
  return outcome.result === 'recorded' ? outcome.feedback : []
}

function concerned(feedback: Feedback): Concerned {
  const { kind, attribution } = feedback
  const bounceClass = feedback.kind === 'bounce' ? feedback.classification.bounceClass : null
  return { address: attribution.recipient, kind, bounceClass }
}

function placeOf(feedback: Feedback) {
  const groupId = feedback.kind === 'unsubscribe' ? feedback.groupId : null
  return { address: feedback.attribution.recipient, ...listOf(feedback.kind, groupId) }
}
