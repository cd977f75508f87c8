import type { Sql } from './db/sql.ts'
import type { Decision } from './decide.ts'
import { type Storable, storable } from './erased-mail.ts'
import type { ChangedBy } from './feedback/actor.ts'
import type { Decided, ListEffect, Undecidable } from './feedback/replay.ts'
import { type AuditAction, addAudit } from './record/audit.ts'
import { contentDigest, messageDigest } from './record/digest.ts'
import { listFeedbackOfMessages, type ToldFeedback } from './record/message-feedback.ts'
import { addDigests } from './record/messages.ts'
import type { ReadableMessage } from './record/stored-messages.ts'
import {
  changeMessages,
  dropRaw,
  holdMessages,
  type MessageState,
  moveMessage,
  type NewMessageState,
} from './record/stored-messages-change.ts'
import { differences, type VerdictChange } from './replay-diff.ts'
import { decideAgain, decideVouched, type ReplayDeps } from './stored-decision.ts'
import { writeVerdicts } from './write-verdicts.ts'

/** A stored message and what today's rules make of it. */
export type Redecided = {
  message: ReadableMessage
  decision: Decision
  /** Whose it turns out to be: another than before only where it was of no tenant. */
  tenantId: number
}

/** As far as it may be stored. */
export type StorableRedecided = Redecided & Storable

export type MessageChange = {
  receivedMessageId: string
  before: Decided
  after: Decided
  verdicts: readonly VerdictChange[]
}

/** What today's rules make of messages of one tenant (0: of none), and why of some nothing. */
export async function redecide(
  deps: ReplayDeps,
  tenantId: number,
  messages: readonly ReadableMessage[],
): Promise<{ redecided: Redecided[]; undecidable: Undecidable[] }> {
  const redecided: Redecided[] = []
  const undecidable: Undecidable[] = []
  const vouchedFor = await releasedRecipients(deps, tenantId, messages)
  for (const message of messages) {
    const recipients = vouchedFor.get(message.receivedMessageId)
    const decided = recipients
      ? await decideVouched(deps, tenantId, message, recipients)
      : await decideAgain(deps, tenantId, message)
    if (decided.result === 'undecidable') {
      undecidable.push(decided.reason)
      continue
    }
    const { outcome, report } = decided
    const [first] = outcome.result === 'recorded' ? outcome.feedback : []
    const owner = first?.attribution.tenantId ?? tenantId
    if (tenantId !== 0 && owner !== tenantId) undecidable.push('not-ours')
    else redecided.push({ message, decision: { outcome, report }, tenantId: owner })
  }
  return { redecided, undecidable }
}

/**
 * With what may be stored of them in the tenants that they turn out to be of. To be asked just before
 * the transaction that writes them: an erasure waits for that one, and for nothing longer.
 */
export async function withoutErased(
  { erasure }: ReplayDeps,
  redecided: readonly Redecided[],
): Promise<StorableRedecided[]> {
  return Promise.all(
    redecided.map(async ({ message, decision, tenantId }) => {
      return { message, tenantId, ...(await storable(erasure, tenantId, decision, message)) }
    }),
  )
}

/** For whom an operator vouched, by the messages that were released. */
async function releasedRecipients(
  { db }: ReplayDeps,
  tenantId: number,
  messages: readonly ReadableMessage[],
): Promise<Map<string, string[]>> {
  const ids = messages
    .filter(({ releasedAt }) => releasedAt !== null)
    .map(({ receivedMessageId }) => receivedMessageId)
  const recipients = new Map<string, string[]>(ids.map((id) => [id, []]))
  for (const told of await db.run((sql) => listFeedbackOfMessages(sql, tenantId, ids))) {
    recipients.get(told.receivedMessageId ?? '')?.push(told.recipient)
  }
  return recipients
}

/** What would be another than it is, message by message. */
export function changesOf(
  redecided: readonly Redecided[],
  told: readonly ToldFeedback[],
): MessageChange[] {
  return redecided.flatMap(({ message, decision }) => {
    const { receivedMessageId, outcome, outcomeReason } = message
    const own = told.filter((one) => one.receivedMessageId === receivedMessageId)
    const decided = decision.outcome.result === 'recorded' ? decision.outcome.feedback : []
    const verdicts = differences(receivedMessageId, own, decided)
    const before = { outcome, reason: outcomeReason }
    const reason = 'reason' in decision.outcome ? decision.outcome.reason : null
    const after = { outcome: decision.outcome.result, reason }
    const isSame = before.outcome === after.outcome && verdicts.length === 0
    return isSame ? [] : [{ receivedMessageId, before, after, verdicts }]
  })
}

/**
 * Makes messages of `from` what today's rules made of them, in one transaction: history, lists,
 * outbox and audit trail with them. Those that somebody has decided meanwhile, or of which less is
 * kept than was read, stay as they are. All of `redecided` are of one tenant now.
 */
export async function applyChunk(
  sql: Sql,
  from: number,
  redecided: readonly StorableRedecided[],
  { action, by, now }: { action: AuditAction; by: ChangedBy; now: Date },
): Promise<{ changes: MessageChange[]; effects: ListEffect[] }> {
  const tenantId = redecided[0]?.tenantId ?? from
  const ids = redecided.map(({ message }) => message.receivedMessageId)
  const states = await holdMessages(sql, from, ids)
  const told = await listFeedbackOfMessages(sql, from, ids, { isHeld: true })
  const own = redecided.filter(({ message }) => isAsRead(message, states))
  const changing = new Map(changesOf(own, told).map((one) => [one.receivedMessageId, one]))
  const meant = own.filter(({ message }) => changing.has(message.receivedMessageId))
  const written = tenantId === from ? meant : await moveAll(sql, from, tenantId, meant, now)
  const changes = written.flatMap(({ message }) => changing.get(message.receivedMessageId) ?? [])
  await changeMessages(sql, tenantId, written.map(newState))
  const nameless = written.filter(({ isOfErased }) => isOfErased)
  await dropRaw(
    sql,
    tenantId,
    nameless.map(({ message }) => message.mailId),
  )
  const verdicts = changes.flatMap((change) => change.verdicts)
  const effects = await writeVerdicts(sql, tenantId, verdicts, { action, by, now })
  const others = changes
    .filter((change) => change.verdicts.length === 0)
    .map(({ receivedMessageId: received_message_id, before, after }) => {
      return { action, detail: { received_message_id, before, after } }
    })
  await addAudit(sql, tenantId, by, others, now)
  return { changes, effects }
}

function isAsRead(message: ReadableMessage, states: ReadonlyMap<string, MessageState>): boolean {
  const state = states.get(message.receivedMessageId)
  return (
    state?.outcome === message.outcome &&
    state.releasedAt?.getTime() === message.releasedAt?.getTime() &&
    state.hasReport === (message.report !== null) &&
    state.hasRaw === (message.raw !== null)
  )
}

function newState({ message, decision: { outcome, report } }: Redecided): NewMessageState {
  const outcomeReason = 'reason' in outcome ? outcome.reason : null
  const { receivedMessageId } = message
  return { receivedMessageId, outcome: outcome.result, outcomeReason, report }
}

/** Gives mail of nobody to its tenant, but for what reached that one on another way before. */
async function moveAll(
  sql: Sql,
  from: number,
  to: number,
  redecided: readonly StorableRedecided[],
  now: Date,
): Promise<StorableRedecided[]> {
  const moved: StorableRedecided[] = []
  for (const one of redecided) {
    const { raw, rcptTo } = one.message
    const digest = raw && messageDigest(contentDigest(raw), rcptTo)
    const isNew = digest === null || (await addDigests(sql, to, [digest], now)).size > 0
    if (!isNew) continue
    await moveMessage(sql, from, to, one.message)
    moved.push(one)
  }
  return moved
}
