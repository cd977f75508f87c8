import { uuidv7 } from 'uuidv7'
import { type AttributableReport, attribute, type Finding } from './attribute/attribute.ts'
import { type Destination, findDestination } from './attribute/destination.ts'
import type { Keyring } from './attribute/keyring.ts'
import type { SealedToken } from './attribute/sealed-token.ts'
import { classify } from './classify/classify.ts'
import type { Rules } from './classify/rules.ts'
import type { Database } from './db/sql.ts'
import { storageFailure } from './db/sqlstate.ts'
import type { Feedback, IgnoredReason, Outcome, Unsubscribe } from './feedback/feedback.ts'
import type { InboundDomain } from './feedback/inbound-domain.ts'
import type { ReceivedMessage } from './feedback/message.ts'
import type { Report } from './feedback/report.ts'
import type { Log } from './log.ts'
import { countFeedback, countOutcome, type Metrics } from './metrics.ts'
import type { Parser } from './parse/parse.ts'
import { contentDigest, messageDigest } from './record/digest.ts'
import type { MessageRecord } from './record/messages.ts'
import { isLiveGroup } from './suppression/groups.ts'
import { createWriter, type MailToWrite, writeUnsubscribe } from './write.ts'

export type PipelineDeps = {
  db: Database
  keyring: Keyring
  findDomain: (name: string) => Promise<InboundDomain | null>
  parser: Parser
  rules: Rules
  /** Whose bytes are kept: HEARBACK_RAW. */
  raw: 'undecided' | 'all' | 'none'
  log: Log
  metrics: Metrics
  now: () => Date
}

export type Pipeline = {
  /** Whether a RCPT TO is ours. Rejects when that cannot be looked up. */
  findDestination(rcptTo: string): Promise<Destination>
  /** One outcome for each RCPT TO, in order, after the commit. Rejects when nothing was stored. */
  processMessage(message: ReceivedMessage): Promise<readonly Outcome[]>
  /** A click on an unsubscribe link, after the commit; a repeated one changes nothing. */
  processUnsubscribe(token: SealedToken, via: Unsubscribe['via']): Promise<void>
  /** Resolves when all that was handed in has been written. */
  drain(): Promise<void>
}

type AcceptedDestination = Extract<Destination, { result: 'accepted' }>
type Decision = { outcome: MessageRecord['outcome']; report: Report | null }

/** The path of one message: parse, attribute, classify, write (record, suppress, outbox), outcome. */
export function createPipeline(deps: PipelineDeps): Pipeline {
  const writer = createWriter(deps)
  const inHand = new Set<Promise<unknown>>()
  const destinationOf = (rcptTo: string): Promise<Destination> =>
    findDestination(deps.keyring, deps.findDomain, rcptTo)

  return {
    findDestination: destinationOf,

    processMessage(message) {
      const outcomes = process(message)
      inHand.add(outcomes)
      return outcomes.finally(() => inHand.delete(outcomes))
    },

    async processUnsubscribe(token, via) {
      const unsubscribe = await unsubscribeFromLink(deps, token, via)
      const isNew = await deps.db.transaction((sql) => writeUnsubscribe(sql, unsubscribe))
      if (isNew) countFeedback(deps.metrics, unsubscribe)
    },

    async drain() {
      await Promise.allSettled(inHand)
    },
  }

  async function process(message: ReceivedMessage): Promise<readonly Outcome[]> {
    const { rcptTo } = message.envelope
    const destinations = await Promise.all(rcptTo.map(destinationOf))
    const report = await read(deps, message)
    const content = contentDigest(message.raw)
    const mail = await Promise.all(
      destinations.map((found, index) => {
        const destination = destinationOrUnclaimed(found, rcptTo[index] ?? '')
        return toWrite(deps, { message, content, destination, report })
      }),
    )
    const outcomes = await writer.submit(mail)
    for (const outcome of outcomes) countOutcome(deps.metrics, outcome)
    return outcomes
  }
}

/** `null` when reading fails, which the reader promises not to: then the message is kept whole. */
async function read(
  { parser, log }: PipelineDeps,
  message: ReceivedMessage,
): Promise<Report | null> {
  try {
    return await parser.parse(message.raw)
  } catch (error) {
    log.error({ err: error, id: message.id }, 'message could not be read')
    return null
  }
}

/** A domain that was removed between RCPT and DATA: its mail belongs to nobody any more. */
function destinationOrUnclaimed(destination: Destination, rcptTo: string): AcceptedDestination {
  return destination.result === 'accepted'
    ? destination
    : { result: 'accepted', rcptTo, domain: null, token: null }
}

/** A message on its way to one of its RCPT TO. */
type Arrival = {
  message: ReceivedMessage
  /** Digest of its content. */
  content: Buffer
  destination: AcceptedDestination
  /** `null`: it could not be read. */
  report: Report | null
}

async function toWrite(deps: PipelineDeps, arrival: Arrival): Promise<MailToWrite> {
  const { message, content, destination } = arrival
  const id = uuidv7()
  const decision = await decide(deps, id, arrival).catch((error) => {
    if (storageFailure(error) !== 'poison') throw error
    deps.log.error({ err: error, id: message.id }, 'message could not be decided')
    return quarantined('undecidable')
  })
  const record = {
    id,
    message,
    rcptTo: destination.rcptTo,
    digest: messageDigest(content, destination.rcptTo),
    keepRaw: keepsRaw(deps.raw, decision.outcome),
    ...decision,
  }
  return { tenantId: tenantOf(destination, decision.outcome), record }
}

/** Real reports name far fewer; one like this waits for somebody to look at it. */
const maxRecipientsOfReport = 5_000

async function decide(deps: PipelineDeps, id: string, arrival: Arrival): Promise<Decision> {
  const { report } = arrival
  if (report === null) return quarantined('unreadable')
  switch (report.type) {
    case 'delivery-status':
      if (report.recipients.length > maxRecipientsOfReport)
        return quarantined('too-many-recipients')
      return report.recipients.some(({ action }) => action === 'failed')
        ? attributed(deps, id, arrival, report)
        : ignored('not-failed', report)
    case 'feedback-report':
      return isComplaint(report.feedbackType) || report.feedbackType === 'opt-out'
        ? attributed(deps, id, arrival, report)
        : ignored('not-abuse', report)
    case 'unsubscribe-request':
      return attributed(deps, id, arrival, report)
    case 'automatic-response':
      return ignored('automatic-response', report)
    case 'unrecognized':
      return report.format === 'unknown'
        ? { ...quarantined('unrecognized'), report }
        : ignored('set-aside', report)
  }
}

/** RFC 5965 section 7.3; `not-spam`, `auth-failure` and types to come are no complaints. */
function isComplaint(feedbackType: string): boolean {
  return ['abuse', 'fraud', 'virus'].includes(feedbackType)
}

function quarantined(reason: string): Decision {
  return { outcome: { result: 'quarantined', reason }, report: null }
}

function ignored(reason: IgnoredReason, report: Report): Decision {
  return { outcome: { result: 'ignored', reason }, report }
}

async function attributed(
  deps: PipelineDeps,
  id: string,
  { message, destination }: Arrival,
  report: AttributableReport,
): Promise<Decision> {
  const whose = await attribute(deps.keyring, destination, report, message.receivedAt)
  if (whose.result === 'unattributed') return { outcome: whose, report }
  const common = { receivedMessageId: id, reportedAt: message.receivedAt }
  const feedback = await Promise.all(
    whose.findings.map((finding) => feedbackOf(deps, common, report, finding)),
  )
  return { outcome: { result: 'recorded', feedback }, report }
}

async function feedbackOf(
  { db, rules }: PipelineDeps,
  common: Pick<Feedback, 'receivedMessageId' | 'reportedAt'>,
  report: AttributableReport,
  { attribution, recipient, groupId }: Finding,
): Promise<Feedback> {
  const attributedFeedback = { ...common, id: uuidv7(), attribution }
  if (report.type === 'delivery-status' && recipient) {
    return {
      ...attributedFeedback,
      kind: 'bounce',
      classification: classify(rules, recipient),
      status: recipient.status,
      replyCode: recipient.replyCode,
      diagnosticCode: recipient.diagnosticCode,
      remoteMta: recipient.remoteMta,
      reportingMta: report.reportingMta,
    }
  }
  if (report.type === 'feedback-report' && report.feedbackType !== 'opt-out') {
    const { feedbackType, reportingMta, userAgent, sourceIp } = report
    const spam = { feedbackType, reportingMta, userAgent, sourceIp }
    return { ...attributedFeedback, kind: 'spam-report', ...spam }
  }
  return {
    ...attributedFeedback,
    kind: 'unsubscribe',
    via: report.type === 'unsubscribe-request' ? 'mailto' : 'feedback-report',
    groupId: await groupToLeave(db, attribution.tenantId, groupId),
  }
}

async function unsubscribeFromLink(
  { db, now }: PipelineDeps,
  token: SealedToken,
  via: Unsubscribe['via'],
): Promise<Unsubscribe> {
  const { tenantId, recipient, messageReference } = token
  const evidence = 'sealed-token'
  return {
    kind: 'unsubscribe',
    id: uuidv7(),
    receivedMessageId: null,
    reportedAt: now(),
    attribution: { tenantId, recipient, messageReference, evidence, expired: false },
    via,
    groupId: await groupToLeave(db, tenantId, token.groupId),
  }
}

/** Whoever leaves a group that is gone wants no more of this mail: that is everything then. */
async function groupToLeave(
  db: Database,
  tenantId: number,
  groupId: number | null,
): Promise<number | null> {
  if (groupId === null) return null
  return (await db.run((sql) => isLiveGroup(sql, tenantId, groupId))) ? groupId : null
}

/** 0 stands for nobody: mail to postmaster and to domains of the platform without a token. */
function tenantOf({ domain, token }: AcceptedDestination, outcome: Outcome): number {
  if (outcome.result === 'recorded' && outcome.feedback[0]) {
    return outcome.feedback[0].attribution.tenantId
  }
  return token?.tenantId ?? domain?.tenantId ?? 0
}

/** Recorded mail keeps its parsed report; bytes are kept where somebody may want to decide anew. */
function keepsRaw(raw: PipelineDeps['raw'], outcome: MessageRecord['outcome']): boolean {
  if (outcome.result === 'quarantined' || raw === 'all') return true
  if (raw === 'none') return false
  if (outcome.result !== 'recorded') return true
  return outcome.feedback.some(
    (one) => one.kind === 'bounce' && one.classification.reason === 'unknown',
  )
}
