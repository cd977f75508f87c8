import type { Database, Sql } from './db/sql.ts'
import type { ChangedBy } from './feedback/actor.ts'
import { isToldBy } from './feedback/provider.ts'
import type { ListEffect } from './feedback/replay.ts'
import { previewSuppressions, recomputeSuppressions } from './recompute.ts'
import { addAudit } from './record/audit.ts'
import { addBounceRates, ratesOf, slotOfCommands } from './record/bounce-rate.ts'
import {
  type BounceState,
  listBouncesOfMessages,
  listBouncesWithoutMessage,
  type Period,
  type ReportedBounce,
  restoreFeedback,
  revertFeedback,
} from './record/reported-bounces.ts'
import { listMessagePositions, type MessagePosition } from './record/stored-messages.ts'
import { repeatAfterDeadlock } from './repeat-after-deadlock.ts'

/** What a provider reported by mistake. */
export type Wave = Period & {
  /** Name of its family, or its domain. */
  provider: string
}

/** Bounces that count no longer, or again, and what becomes of the lists. */
export type RevertedChunk = {
  bounces: number
  /** Others that had been held back as a storm: they wait for a decision no longer, or again. */
  held: number
  effects: readonly ListEffect[]
}

const bouncesAChunk = 500

/**
 * Takes back the bounces that a provider reported in a time; with `isRestored` lets those count
 * again that were taken back. The lists are then what the rest of the history makes of them: bounces
 * from before and after stay, and so do complaints, unsubscribes and what was added by hand. A chunk
 * is one transaction; when it ends early, asking again goes on with what is left.
 */
export async function* revert(
  db: Database,
  tenantId: number,
  wave: Wave,
  { by, isRestored, now }: { by: ChangedBy; isRestored: boolean; now: () => Date },
): AsyncGenerator<RevertedChunk> {
  for await (const bounces of bouncesOf(db, tenantId, wave, isRestored ? 'reverted' : 'standing')) {
    const ids = bounces.map(({ feedbackId }) => feedbackId)
    const addresses = [...new Set(bounces.map(({ recipient }) => recipient))]
    const work = async (sql: Sql): Promise<RevertedChunk> => {
      const at = now()
      const { counting, held } = isRestored
        ? await restoreFeedback(sql, tenantId, ids)
        : await revertFeedback(sql, tenantId, ids, at)
      const effects = await recomputeSuppressions(sql, tenantId, addresses, at)
      // What was no true storm must not make the next one usual.
      const weighed = bounces.filter((one) => one.isWeighed && counting.has(one.feedbackId))
      const rates = ratesOf(weighed, isRestored ? 1 : -1)
      await addBounceRates(sql, tenantId, slotOfCommands, rates)
      const change = {
        action: 'message.replay',
        list: 'bounces',
        groupId: 0,
        detail: {
          [isRestored ? 'restored' : 'reverted']: wave.provider,
          since: wave.since,
          until: wave.before,
        },
      } as const
      const changes = addresses.map((address) => ({ ...change, address }))
      await addAudit(sql, tenantId, by, changes, at)
      return { bounces: counting.size, held, effects }
    }
    yield await repeatAfterDeadlock(() => db.transaction(work))
  }
}

/** What is kept in memory until its effect on the lists is worked out. */
const maxKept = 100_000

/** The same without writing anything; told once all of it is known, or after every 100,000 bounces. */
export async function* revertDry(
  db: Database,
  tenantId: number,
  wave: Wave,
  now: Date,
): AsyncGenerator<RevertedChunk> {
  let kept: ReportedBounce[] = []
  for await (const bounces of bouncesOf(db, tenantId, wave, 'standing')) {
    kept.push(...bounces)
    if (kept.length < maxKept) continue
    yield* preview(db, tenantId, kept, now)
    kept = []
  }
  yield* preview(db, tenantId, kept, now)
}

async function* preview(
  db: Database,
  tenantId: number,
  kept: readonly ReportedBounce[],
  now: Date,
): AsyncGenerator<RevertedChunk> {
  const ordered = [...kept].sort((a, b) => (a.recipient < b.recipient ? -1 : 1))
  for (let at = 0; at < ordered.length; ) {
    let end = Math.min(at + bouncesAChunk, ordered.length)
    // All bounces of an address count at once.
    while (ordered[end] && ordered[end]?.recipient === ordered[end - 1]?.recipient) end++
    const some = ordered.slice(at, end)
    const addresses = [...new Set(some.map(({ recipient }) => recipient))]
    const hypothesis = { withdrawn: some.map(({ feedbackId }) => feedbackId), added: [] }
    const effects = await db.run((sql) =>
      previewSuppressions(sql, tenantId, addresses, hypothesis, now),
    )
    const held = some.filter(({ isHeld }) => isHeld).length
    yield { bounces: some.length - held, held, effects }
    at = end
  }
}

/** What a provider said in a time: with the messages that came, then without any. */
async function* bouncesOf(
  db: Database,
  tenantId: number,
  { provider, since, before }: Wave,
  state: BounceState,
): AsyncGenerator<ReportedBounce[]> {
  const isMeant = (bounce: ReportedBounce): boolean => isToldBy(provider, bounce)
  const filter = { outcomes: ['recorded'], since, before } as const
  const limit = bouncesAChunk
  let message: MessagePosition | null = null
  for (;;) {
    const window: { after: MessagePosition | null; limit: number } = { after: message, limit }
    const positions = await db.run((sql) => listMessagePositions(sql, tenantId, filter, window))
    const ids = positions.map(({ receivedMessageId }) => receivedMessageId)
    message = positions.at(-1) ?? null
    if (message === null) break
    const bounces = await db.run((sql) => listBouncesOfMessages(sql, tenantId, ids, state))
    yield* inChunks(bounces.filter(isMeant))
  }
  let last: ReportedBounce | null = null
  for (;;) {
    const window: { after: ReportedBounce | null; limit: number } = { after: last, limit }
    const bounces = await db.run((sql) =>
      listBouncesWithoutMessage(sql, tenantId, { since, before }, state, window),
    )
    last = bounces.at(-1) ?? null
    if (last === null) return
    yield* inChunks(bounces.filter(isMeant))
  }
}

/** A message may report of thousands. */
function* inChunks(bounces: readonly ReportedBounce[]): Generator<ReportedBounce[]> {
  for (let at = 0; at < bounces.length; at += bouncesAChunk) {
    yield bounces.slice(at, at + bouncesAChunk)
  }
}
