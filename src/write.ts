import type { Database, Sql } from './db/sql.ts'
import { storageFailure } from './db/sqlstate.ts'
import type { Feedback, Outcome, Resubscribe, Unsubscribe } from './feedback/feedback.ts'
import { type BounceDays, suppressionEntry } from './feedback/suppression.ts'
import type { Log } from './log.ts'
import type { Metrics } from './metrics.ts'
import { addToOutbox, type OutboxEvent } from './publish/outbox.ts'
import { type Batcher, createBatcher } from './record/batcher.ts'
import { addBounceRates } from './record/bounce-rate.ts'
import { addFeedback, type FeedbackRow, feedbackRow } from './record/feedback.ts'
import { addDigests, addMessages, type MessageRecord } from './record/messages.ts'
import { findRepeatedFeedback } from './record/repeated-feedback.ts'
import { createStormBreaker, type StormBreaker, type StormVerdict } from './storm.ts'
import { addSuppressions } from './suppression/add.ts'
import { findListed } from './suppression/listed.ts'
import { unsubscribeList } from './suppression/preferences.ts'
import { removeSuppression } from './suppression/remove.ts'
import { findBounceDays } from './tenant/tenants.ts'

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
  const write = async (mails: readonly Mail[]): Promise<readonly Outcome[][]> => {
    metrics.batchMessages.observe(mails.length)
    try {
      await storms.prepare(tenantsOf(mails), now())
      return await db.transaction((sql) => writeMails(sql, mails, storms))
    } catch (error) {
      const failure = storageFailure(error)
      metrics.storageFailures.inc({ failure })
      if (failure === 'defect')
        log.fatal({ err: error }, 'storage is defective: messages are deferred')
      else log.warn({ err: error, messages: mails.length }, 'messages could not be stored')
      throw error
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

async function writeMails(
  sql: Sql,
  mails: readonly Mail[],
  storms: StormBreaker,
): Promise<Outcome[][]> {
  const parts = mails.flat()
  const fresh = new Set<MessageRecord>()
  for (const tenantId of tenantsOf(mails)) {
    const records = parts.filter((part) => part.tenantId === tenantId).map(({ record }) => record)
    for (const record of await writeTenant(sql, tenantId, records, storms)) fresh.add(record)
  }
  return mails.map((mail) =>
    mail.map(({ record }) => (fresh.has(record) ? record.outcome : { result: 'duplicate' })),
  )
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
  storms: StormBreaker,
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
  const told = feedbackOf(fresh)
  const usedUp = await findUsedUp(sql, tenantId, told, repeated)
  const feedback = told.filter((one) => !usedUp.includes(one))
  // Sent together: they do not need each other's results, and each wait costs all of the batch.
  await Promise.all([
    writeFeedback(sql, tenantId, feedback, storms.judge(tenantId, feedback), days, now),
    addFeedback(
      sql,
      usedUp.map((one) => ({ ...feedbackRow(one), ...withdrawn('repeat', now) })),
    ),
    addMessages(sql, tenantId, fresh),
  ])
  return fresh
}

function feedbackOf(records: readonly MessageRecord[]): Feedback[] {
  return records.flatMap(({ outcome }) => (outcome.result === 'recorded' ? outcome.feedback : []))
}

/**
 * Feedback that changes no list: its token has put the recipient there before, and somebody took
 * him off. As long as he is listed it counts, for it may prolong.
 */
async function findUsedUp(
  sql: Sql,
  tenantId: number,
  feedback: readonly Feedback[],
  repeated: ReadonlySet<string>,
): Promise<Feedback[]> {
  const places = feedback
    .filter(({ id }) => repeated.has(id))
    .map((one) => {
      const list = one.kind === 'bounce' ? ('bounces' as const) : ('spam_reports' as const)
      return { one, address: one.attribution.recipient, list, groupId: 0 }
    })
  const listed = await findListed(sql, tenantId, places)
  return places.filter((place) => !listed.includes(place)).map(({ one }) => one)
}

/** History, lists and events of one tenant. */
async function writeFeedback(
  sql: Sql,
  tenantId: number,
  feedback: readonly Feedback[],
  { held, rates }: StormVerdict,
  days: BounceDays,
  now: Date,
): Promise<void> {
  if (feedback.length === 0) return
  const believed = feedback.filter((one) => !held.has(one))
  const entries = believed
    .map((one) => suppressionEntry(one, days))
    .filter((entry) => entry !== null)
  const [added] = await Promise.all([
    addSuppressions(sql, tenantId, entries),
    addFeedback(
      sql,
      feedback.map((one) => {
        const row = feedbackRow(one)
        return held.has(one) ? { ...row, ...withdrawn('storm', now) } : row
      }),
    ),
    addBounceRates(sql, tenantId, rates, now),
  ])
  const events: OutboxEvent[] = [
    ...believed.map(({ id, attribution }) => {
      return { change: 'feedback' as const, feedbackId: id, address: attribution.recipient }
    }),
    ...added.map((entry) => ({ change: 'added' as const, ...entry })),
  ]
  await addToOutbox(sql, tenantId, events, now)
}

function withdrawn(
  by: 'storm' | 'repeat',
  now: Date,
): Pick<FeedbackRow, 'withdrawn_at' | 'withdrawn_by'> {
  return { withdrawn_at: now, withdrawn_by: by }
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
