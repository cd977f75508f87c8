import { randomInt } from 'node:crypto'
import type { Database, Sql } from './db/sql.ts'
import { storageFailure } from './db/sqlstate.ts'
import type { Feedback, Outcome, Resubscribe, Unsubscribe } from './feedback/feedback.ts'
import { type BounceDays, suppressionEntry } from './feedback/suppression.ts'
import { aboutLiveGroups } from './live-groups.ts'
import type { Log } from './log.ts'
import type { Metrics } from './metrics.ts'
import { addToOutbox, type OutboxEvent } from './publish/outbox.ts'
import { type Batcher, createBatcher } from './record/batcher.ts'
import { addBounceRates } from './record/bounce-rate.ts'
import { addFeedback, type FeedbackRow, feedbackRow } from './record/feedback.ts'
import { addDigests, addMessages, addRawMessages, type MessageRecord } from './record/messages.ts'
import { findRepeatedFeedback } from './record/repeated-feedback.ts'
import { repeatAfterDeadlock } from './repeat-after-deadlock.ts'
import { createStormBreaker, type StormVerdict } from './storm.ts'
import { addSuppressions } from './suppression/add.ts'
import { unsubscribeList } from './suppression/preferences.ts'
import { removeSuppression } from './suppression/remove.ts'
import { findBounceDays } from './tenant/tenants.ts'
import { findUsedUp } from './used-up.ts'

/** A message for one of its RCPT TO, and whose it is. */
export type MailToWrite = { tenantId: number; record: MessageRecord }

/** The parts of one message: written together or not at all. */
type Mail = readonly MailToWrite[]

/** Commits that share their cost; two at a time keep PostgreSQL busy while the next one collects. */
const maxMessages = 500
const maxInFlight = 2
/** A batch has to be through well before the deadline of the database. */
const maxBatchBytes = 8 * 1024 * 1024
/** About what a row of history, its entry and its events take on their way. */
const feedbackBytes = 4 * 1024

/** The last stage: what was decided becomes rows, many messages in one transaction. */
export function createWriter({
  db,
  log,
  metrics,
  now,
}: {
  db: Database
  log: Log
  metrics: Metrics
  now: () => Date
}): Batcher<Mail, readonly Outcome[]> {
  const storms = createStormBreaker({ db, log, metrics })
  const firstSlot = randomInt(2 ** 24) * maxInFlight
  const slots = Array.from({ length: maxInFlight }, (_, index) => firstSlot + index)

  const attempt = async (mails: readonly Mail[], slot: number): Promise<readonly Outcome[][]> => {
    const verdicts: StormVerdict[] = []
    const judge: Judge = (...reports) => {
      const verdict = storms.judge(...reports)
      verdicts.push(verdict)
      return verdict
    }
    try {
      const outcomes = await db.transaction((sql) => writeMails(sql, mails, { judge, slot }))
      storms.committed(verdicts)
      return outcomes
    } catch (error) {
      storms.failed(verdicts)
      throw error
    }
  }

  const write = async (mails: readonly Mail[]): Promise<readonly Outcome[][]> => {
    metrics.batchMessages.observe(mails.length)
    const slot = slots.pop() ?? firstSlot
    try {
      await storms.prepare(reportsOf(mails), now())
      return await repeatAfterDeadlock(() => attempt(mails, slot))
    } catch (error) {
      const failure = storageFailure(error)
      metrics.storageFailures.inc({ failure })
      if (failure === 'defect')
        log.fatal({ err: error }, 'storage is defective: messages are deferred')
      else log.warn({ err: error, messages: mails.length }, 'messages could not be stored')
      throw error
    } finally {
      slots.push(slot)
    }
  }
  return createBatcher({
    write,
    isOfOneItem: (error) => ['poison', 'duplicate'].includes(storageFailure(error)),
    setAside: async (mail, error) => {
      if (storageFailure(error) === 'duplicate') return mail.map(() => ({ result: 'duplicate' }))
      const [outcomes = []] = await write([mail.map(withoutContent)])
      return outcomes
    },
    weightOf: bytesToWrite,
    maxWeight: maxBatchBytes,
    maxItems: maxMessages,
    maxInFlight,
  })
}

function bytesToWrite(mail: Mail): number {
  const rows = mail.reduce(
    (sum, { record: { outcome } }) =>
      sum + 1 + (outcome.result === 'recorded' ? outcome.feedback.length : 0),
    0,
  )
  const kept = mail.find(({ record }) => record.keepRaw)
  return rows * feedbackBytes + (kept?.record.message.raw.length ?? 0)
}

/** What is left of a message that cannot be stored as read: its envelope and its bytes. */
function withoutContent({ tenantId, record }: MailToWrite): MailToWrite {
  const outcome = { result: 'quarantined', reason: 'unstorable' } as const
  return { tenantId, record: { ...record, outcome, report: null, keepRaw: true } }
}

type Judge = ReturnType<typeof createStormBreaker>['judge']

/** Who says what is held back, and the slot for the figures of what is not. */
type Brake = { judge: Judge; slot: number }

async function writeMails(sql: Sql, mails: readonly Mail[], brake: Brake): Promise<Outcome[][]> {
  const parts = mails.flat()
  const fresh = new Set<MessageRecord>()
  for (const tenantId of tenantsOf(mails)) {
    const records = parts.filter((part) => part.tenantId === tenantId).map(({ record }) => record)
    for (const record of await writeTenant(sql, tenantId, records, brake)) fresh.add(record)
  }
  return mails.map((mail) =>
    mail.map(({ record }) => (fresh.has(record) ? record.outcome : { result: 'duplicate' })),
  )
}

/** How much feedback there is for each tenant that has any. */
function reportsOf(mails: readonly Mail[]): Map<number, number> {
  const reports = new Map<number, number>()
  for (const { tenantId, record } of mails.flat()) {
    const count = feedbackOf([record]).length
    if (count > 0) reports.set(tenantId, (reports.get(tenantId) ?? 0) + count)
  }
  return reports
}

/** In order, so that two batches never wait for each other. */
function tenantsOf(mails: readonly Mail[]): number[] {
  return [...new Set(mails.flat().map(({ tenantId }) => tenantId))].sort((a, b) => a - b)
}

/** Gives back the records that had not been received before. */
async function writeTenant(
  sql: Sql,
  tenantId: number,
  records: readonly MessageRecord[],
  brake: Brake,
): Promise<MessageRecord[]> {
  const now = records[0]?.message.receivedAt ?? new Date()
  const digests = records.map(({ digest }) => digest)
  const [unseen, days, repeated] = await Promise.all([
    addDigests(sql, tenantId, digests, now),
    records.some(({ outcome }) => outcome.result === 'recorded')
      ? findBounceDays(sql, tenantId)
      : neverLapsing,
    findRepeatedFeedback(sql, tenantId, feedbackOf(records)),
  ])
  const fresh = records.filter(({ digest }) => unseen.delete(digest.toString('hex')))
  if (fresh.length === 0) return fresh
  const told = await aboutLiveGroups(sql, tenantId, feedbackOf(fresh))
  const usedUp = await findUsedUp(sql, tenantId, told, repeated)
  const counting = told.filter((one) => !usedUp.has(one))
  const { held, rates } = brake.judge(tenantId, counting, now)
  const believed = counting.filter((one) => !held.has(one))
  const rows = told.map((one) => {
    if (usedUp.has(one)) return { ...feedbackRow(one), ...withdrawn(one, 'repeat') }
    return held.has(one) ? { ...feedbackRow(one), ...withdrawn(one, 'storm') } : feedbackRow(one)
  })
  // Sent together: they do not need each other's results, and each wait costs all of the batch.
  await Promise.all([
    suppress(sql, tenantId, believed, days, now),
    addFeedback(sql, rows),
    addBounceRates(sql, tenantId, brake.slot, rates),
    addMessages(sql, tenantId, fresh),
    addRawMessages(sql, tenantId, fresh),
  ])
  return fresh
}

function feedbackOf(records: readonly MessageRecord[]): Feedback[] {
  return records.flatMap(({ outcome }) => (outcome.result === 'recorded' ? outcome.feedback : []))
}

/** Puts recipients onto lists, and tells of it and of what was reported. */
async function suppress(
  sql: Sql,
  tenantId: number,
  believed: readonly Feedback[],
  days: BounceDays,
  now: Date,
): Promise<void> {
  const entries = believed
    .map((one) => suppressionEntry(one, days))
    .filter((entry) => entry !== null)
  const added = await addSuppressions(sql, tenantId, entries)
  const events: OutboxEvent[] = [
    ...believed.map(({ id, attribution }) => {
      return { change: 'feedback' as const, feedbackId: id, address: attribution.recipient }
    }),
    ...added.map((entry) => ({ change: 'added' as const, ...entry })),
  ]
  await addToOutbox(sql, tenantId, events, now)
}

/**
 * Since it was reported: what is withdrawn later has another time, and by that is told from what has
 * never counted.
 */
export function withdrawn(
  { reportedAt }: Feedback,
  by: 'storm' | 'repeat',
): Pick<FeedbackRow, 'withdrawn_at' | 'withdrawn_by'> {
  return { withdrawn_at: reportedAt, withdrawn_by: by }
}

/** Unsubscribes, and everything that is no bounce. */
export const neverLapsing: BounceDays = { hard: null, soft: null, block: null }

/** Clicks repeat: only the one that puts the address onto the list is an event; `true` for it. */
export async function writeUnsubscribe(sql: Sql, unsubscribe: Unsubscribe): Promise<boolean> {
  const { tenantId, recipient } = unsubscribe.attribution
  const entry = suppressionEntry(unsubscribe, neverLapsing)
  const [added] = entry ? await addSuppressions(sql, tenantId, [entry]) : []
  if (!added) return false
  await addFeedback(sql, [feedbackRow(unsubscribe)])
  const events: OutboxEvent[] = [
    { change: 'feedback', feedbackId: unsubscribe.id, address: recipient },
    { change: 'added', ...added },
  ]
  await addToOutbox(sql, tenantId, events, unsubscribe.reportedAt)
  return true
}

/** The way back; `true` when there was a way to go. */
export async function writeResubscribe(sql: Sql, resubscribe: Resubscribe): Promise<boolean> {
  const { tenantId, recipient } = resubscribe.attribution
  const key = unsubscribeList(resubscribe.groupId)
  if (!(await removeSuppression(sql, tenantId, key, recipient))) return false
  await addFeedback(sql, [feedbackRow(resubscribe)])
  const events: OutboxEvent[] = [
    { change: 'feedback', feedbackId: resubscribe.id, address: recipient },
    { change: 'removed', ...key, address: recipient },
  ]
  await addToOutbox(sql, tenantId, events, resubscribe.reportedAt)
  return true
}
