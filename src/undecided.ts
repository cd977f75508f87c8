import type { ChangedBy } from './feedback/actor.ts'
import { countOutcome, type Metrics } from './metrics.ts'
import { findRaw, findStoredMessage } from './record/stored-messages.ts'
import {
  claimUndecided,
  countUndecided,
  settleUndecided,
  type UndecidedMessage,
} from './record/undecided-messages.ts'
import { repeatAfterDeadlock } from './repeat-after-deadlock.ts'
import { applyChunk, redecide, withoutErased } from './replay-chunk.ts'
import type { ReplayDeps } from './stored-decision.ts'

/** `senders` is one of its own: the mail that comes in does not take its turn. */
type Deps = ReplayDeps & { metrics: Metrics }

const pauseMs = 10_000
const messagesAClaim = 50
/** DNS that does not answer is waited for together. */
const atOnce = 10

const by: ChangedBy = {
  actor: { kind: 'daemon', id: 'hearback', name: null },
  reason: 'its signature could not be verified when it came',
  requestId: null,
}

/** Every ten seconds: complaints whose signature could not be verified are looked at again. */
export function startDecidingAgain(deps: Deps): { close(): Promise<void> } {
  const closing = new AbortController()
  let running = Promise.resolve()
  const timer = setInterval(() => {
    running = running.then(() => decideUndecided(deps, closing.signal)).catch(told(deps))
  }, pauseMs)
  return {
    close: async () => {
      closing.abort()
      clearInterval(timer)
      await running
    },
  }
}

/** All that are due now, or as many as there is time for. */
export async function decideUndecided(deps: Deps, signal?: AbortSignal): Promise<void> {
  const { db, metrics, now } = deps
  const endsAt = performance.now() + pauseMs
  let due: UndecidedMessage[]
  do {
    due = await db.transaction((sql) => claimUndecided(sql, now(), messagesAClaim))
    for (let at = 0; at < due.length && !signal?.aborted; at += atOnce) {
      const some = due.slice(at, at + atOnce)
      await Promise.all(some.map((one) => decideOne(deps, one).catch(told(deps))))
    }
  } while (due.length > 0 && performance.now() < endsAt && !signal?.aborted)
  metrics.undecidedReports.set(await db.run((sql) => countUndecided(sql, now())))
}

/** Those that could not be had are due again later. */
function told({ log }: Deps): (err: unknown) => void {
  return (err) => log.warn({ err }, 'a complaint could not be decided again')
}

async function decideOne(deps: Deps, message: UndecidedMessage): Promise<void> {
  const { db, metrics, now } = deps
  const { tenantId, receivedMessageId } = message
  const stored = await db.run((sql) => findStoredMessage(sql, tenantId, receivedMessageId))
  if (stored === null) return
  const raw = await db.run((sql) => findRaw(sql, tenantId, stored.mailId))
  const { redecided } = await redecide(deps, tenantId, [{ ...stored, raw }])
  const outcome = redecided[0]?.decision.outcome
  if (outcome === undefined) return
  if (outcome.result === 'unattributed') {
    return db.run((sql) => settleUndecided(sql, message, outcome.reason))
  }
  const { changes } = await repeatAfterDeadlock(async () => {
    const kept = await withoutErased(deps, redecided)
    return db.transaction((sql) =>
      applyChunk(sql, tenantId, kept, { action: 'message.replay', by, now: now() }),
    )
  })
  if (changes.length > 0) countOutcome(metrics, outcome)
}
