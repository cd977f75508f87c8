import type { ChangedBy } from './feedback/actor.ts'
import type { Decided, ReplayedMessage } from './feedback/replay.ts'
import { listFeedbackOfMessages } from './record/message-feedback.ts'
import { findReadableMessage, type ReadableMessage } from './record/stored-messages.ts'
import { preview, type Replayed, writeChunk } from './replay.ts'
import { changesOf, type Redecided, redecide, withoutErased } from './replay-chunk.ts'
import type { ReplayDeps } from './stored-decision.ts'

/** Runs today's rules over one stored message of a tenant; `isDry`: without writing anything. */
export async function replayOne(
  deps: ReplayDeps,
  { tenantId, receivedMessageId }: { tenantId: number; receivedMessageId: string },
  { by, isDry }: { by: ChangedBy; isDry: boolean },
): Promise<ReplayedMessage> {
  const message = await deps.db.run((sql) => findReadableMessage(sql, tenantId, receivedMessageId))
  if (message === null) return { result: 'not-found' }
  const { redecided, undecidable } = await redecide(deps, tenantId, [message])
  const [reason] = undecidable
  if (reason !== undefined) return { result: 'undecidable', reason }
  if (isDry) return outcomeOf(message, await wouldBe(deps, tenantId, redecided))
  const { replayed, unstorable } = await writeChunk(deps, tenantId, redecided, by)
  return unstorable > 0 ? { result: 'unstorable' } : outcomeOf(message, replayed)
}

async function wouldBe(
  deps: ReplayDeps,
  tenantId: number,
  redecided: readonly Redecided[],
): Promise<Replayed[]> {
  const ids = redecided.map(({ message }) => message.receivedMessageId)
  const told = await deps.db.run((sql) => listFeedbackOfMessages(sql, tenantId, ids))
  const changes = changesOf(await withoutErased(deps, redecided), told)
  return preview(
    deps,
    changes.map((change) => ({ change, tenantId })),
  )
}

/** Without a change it is what it was. */
function outcomeOf(
  { outcome, outcomeReason }: ReadableMessage,
  [replayed]: readonly Replayed[],
): ReplayedMessage {
  const unchanged: Decided = { outcome, reason: outcomeReason }
  if (!replayed) return { result: 'replayed', before: unchanged, after: unchanged, verdicts: [] }
  const { change, verdicts } = replayed
  return {
    result: 'replayed',
    before: change.before,
    after: change.after,
    verdicts: verdicts.map(({ verdict: { address, before, after }, effect }) => {
      return { address, before, after, effect }
    }),
  }
}
