import { storageFailure } from './db/sqlstate.ts'
import type { ChangedBy } from './feedback/actor.ts'
import { isToldBy } from './feedback/provider.ts'
import type { ListEffect, Undecidable } from './feedback/replay.ts'
import { listOf } from './feedback/suppression.ts'
import { previewSuppressions } from './recompute.ts'
import { feedbackRow } from './record/feedback.ts'
import { listFeedbackOfMessages } from './record/message-feedback.ts'
import { findRepeatedFeedback } from './record/repeated-feedback.ts'
import {
  listReadableMessages,
  type MessageFilter,
  type MessagePosition,
  type ReadableMessage,
} from './record/stored-messages.ts'
import { repeatAfterDeadlock } from './repeat-after-deadlock.ts'
import {
  applyChunk,
  changesOf,
  type MessageChange,
  type Redecided,
  redecide,
  withoutErased,
} from './replay-chunk.ts'
import type { VerdictChange } from './replay-diff.ts'
import type { ReplayDeps } from './stored-decision.ts'
import { findUsedUp } from './used-up.ts'

/** One stored message that today's rules see in another light, and what comes of it. */
export type Replayed = {
  /** Whose it is now; 0: of no tenant. */
  tenantId: number
  change: MessageChange
  /** Each with what it does to the list of its address; `null`: nothing, or told with another one. */
  verdicts: readonly { verdict: VerdictChange; effect: ListEffect | null }[]
}

export type ReplayedChunk = {
  replayed: readonly Replayed[]
  /** How many messages were read. */
  read: number
  /** Why nothing could be made of some of them. */
  undecidable: readonly Undecidable[]
  /** Messages that PostgreSQL refuses as they are read now: they stay as they were. */
  unstorable: number
}

export type ReplayQuery = MessageFilter & {
  /** Only what this receiving provider said; `null`: whoever. */
  provider: string | null
}

const messagesARead = 200
const bytesARead = 16 * 1024 * 1024
/** What one transaction changes, far below the deadline of the database. */
const verdictsAWrite = 1_000

/**
 * Runs today's rules over the stored messages of a tenant (0: those of no tenant), oldest first, and
 * writes what comes out otherwise, a chunk a transaction. What is done stays done when it ends
 * early, and another run finds nothing to change there.
 */
export async function* replay(
  deps: ReplayDeps,
  tenantId: number,
  query: ReplayQuery,
  by: ChangedBy,
): AsyncGenerator<ReplayedChunk> {
  for await (const { read, redecided, undecidable } of readAgain(deps, tenantId, query)) {
    const replayed: Replayed[] = []
    let unstorable = 0
    for (const chunk of inChunks(redecided)) {
      const written = await writeChunk(deps, tenantId, chunk, by)
      replayed.push(...written.replayed)
      unstorable += written.unstorable
    }
    yield { replayed, read, undecidable, unstorable }
  }
}

/** What is kept in memory of a dry run until its effect on the lists is worked out. */
const maxKept = 50_000

/**
 * The same without writing anything. What is to come is told once it is complete, or after every
 * 50,000 changes: messages that touch the same address in two such parts do not see each other.
 */
export async function* replayDry(
  deps: ReplayDeps,
  tenantId: number,
  query: ReplayQuery,
): AsyncGenerator<ReplayedChunk> {
  let kept: { change: MessageChange; tenantId: number }[] = []
  for await (const { read, redecided, undecidable } of readAgain(deps, tenantId, query)) {
    const ids = redecided.map(({ message }) => message.receivedMessageId)
    const told = await deps.db.run((sql) => listFeedbackOfMessages(sql, tenantId, ids))
    for (const one of await withoutErased(deps, redecided)) {
      for (const change of changesOf([one], told)) kept.push({ change, tenantId: one.tenantId })
    }
    const isFull = kept.length >= maxKept
    yield { replayed: isFull ? await preview(deps, kept) : [], read, undecidable, unstorable: 0 }
    if (isFull) kept = []
  }
  yield { replayed: await preview(deps, kept), read: 0, undecidable: [], unstorable: 0 }
}

async function* readAgain(
  deps: ReplayDeps,
  tenantId: number,
  { provider, ...filter }: ReplayQuery,
): AsyncGenerator<{ read: number; redecided: Redecided[]; undecidable: Undecidable[] }> {
  let after: MessagePosition | null = null
  for (;;) {
    const window = { after, limit: messagesARead, maxBytes: bytesARead }
    const messages: ReadableMessage[] = await deps.db.run((sql) =>
      listReadableMessages(sql, tenantId, filter, window),
    )
    const last = messages.at(-1)
    if (!last) return
    after = { receivedAt: last.receivedAt, receivedMessageId: last.receivedMessageId }
    const { redecided, undecidable } = await redecide(deps, tenantId, messages)
    const meant = redecided.filter((one) => provider === null || isOf(provider, one))
    yield { read: messages.length, redecided: meant, undecidable }
  }
}

/** Whether a provider said it, as the message is read now. */
function isOf(provider: string, { decision: { report } }: Redecided): boolean {
  if (report?.type === 'delivery-status') {
    const { reportingMta } = report
    return report.recipients.some(({ remoteMta, finalRecipient: recipient }) =>
      isToldBy(provider, { remoteMta, reportingMta, recipient }),
    )
  }
  if (report?.type !== 'feedback-report') return false
  const { reportingMta, recipients } = report
  const [recipient = ''] = recipients
  return isToldBy(provider, { remoteMta: null, reportingMta, recipient })
}

/** Of one tenant each, in order of the tenants, and small enough for one transaction. */
function* inChunks(redecided: readonly Redecided[]): Generator<Redecided[]> {
  let chunk: Redecided[] = []
  let verdicts = 0
  for (const one of [...redecided].sort((a, b) => a.tenantId - b.tenantId)) {
    const { outcome } = one.decision
    const isOther = chunk.length > 0 && chunk[0]?.tenantId !== one.tenantId
    if (isOther || verdicts >= verdictsAWrite) {
      yield chunk
      chunk = []
      verdicts = 0
    }
    chunk.push(one)
    verdicts += outcome.result === 'recorded' ? outcome.feedback.length : 1
  }
  if (chunk.length > 0) yield chunk
}

/** One chunk of messages of one tenant, in one transaction; in parts when PostgreSQL refuses it. */
export async function writeChunk(
  deps: ReplayDeps,
  from: number,
  chunk: readonly Redecided[],
  by: ChangedBy,
): Promise<{ replayed: Replayed[]; unstorable: number }> {
  const now = deps.now()
  const tenantId = chunk[0]?.tenantId ?? from
  try {
    const { changes, effects } = await repeatAfterDeadlock(async () => {
      const kept = await withoutErased(deps, chunk)
      return deps.db.transaction((sql) =>
        applyChunk(sql, from, kept, { action: 'message.replay', by, now }),
      )
    })
    return { replayed: withEffects(tenantId, changes, effects), unstorable: 0 }
  } catch (error) {
    if (storageFailure(error) !== 'poison') throw error
    if (chunk.length === 1) return { replayed: [], unstorable: 1 }
    const middle = chunk.length >> 1
    const first = await writeChunk(deps, from, chunk.slice(0, middle), by)
    const second = await writeChunk(deps, from, chunk.slice(middle), by)
    return {
      replayed: [...first.replayed, ...second.replayed],
      unstorable: first.unstorable + second.unstorable,
    }
  }
}

const addressesAPreview = 500

/** The same effects, had these changes been written. */
export async function preview(
  deps: ReplayDeps,
  kept: readonly { change: MessageChange; tenantId: number }[],
): Promise<Replayed[]> {
  const replayed: Replayed[] = []
  const now = deps.now()
  for (const tenantId of new Set(kept.map((one) => one.tenantId))) {
    const changes = kept.filter((one) => one.tenantId === tenantId).map(({ change }) => change)
    const verdicts = changes.flatMap((change) => change.verdicts)
    const addresses = [...new Set(verdicts.map(({ address }) => address))].sort()
    const effects: ListEffect[] = []
    for (let at = 0; at < addresses.length; at += addressesAPreview) {
      const some = new Set(addresses.slice(at, at + addressesAPreview))
      const about = verdicts.filter(({ address }) => some.has(address))
      const withdrawn = about.flatMap(({ withdraws }) => withdraws ?? [])
      const adds = about.flatMap((verdict) => verdict.adds ?? [])
      const told = await deps.db.run(async (sql) => {
        const repeated = await findRepeatedFeedback(sql, tenantId, adds)
        const usedUp = await findUsedUp(sql, tenantId, adds, repeated)
        const added = adds.filter((one) => !usedUp.has(one)).map(feedbackRow)
        return previewSuppressions(sql, tenantId, [...some], { withdrawn, added }, now)
      })
      effects.push(...told)
    }
    replayed.push(...withEffects(tenantId, changes, effects))
  }
  return replayed
}

/** Puts each effect beside the last verdict that had a part in it. */
function withEffects(
  tenantId: number,
  changes: readonly MessageChange[],
  effects: readonly ListEffect[],
): Replayed[] {
  const placeOf = (list: string, address: string) => `${list} ${address}`
  const untold = new Map(effects.map((effect) => [placeOf(effect.list, effect.address), effect]))
  const effectOf = (verdict: VerdictChange): ListEffect | null => {
    const kind = (verdict.after ?? verdict.before)?.kind ?? 'bounce'
    const place = placeOf(listOf(kind, null).list, verdict.address)
    const effect = untold.get(place) ?? null
    untold.delete(place)
    return effect
  }
  const replayed: Replayed[] = []
  for (const change of [...changes].reverse()) {
    const last = [...change.verdicts].reverse()
    const verdicts = last.map((verdict) => ({ verdict, effect: effectOf(verdict) }))
    replayed.push({ tenantId, change, verdicts: verdicts.reverse() })
  }
  return replayed.reverse()
}
