import { uuidv7 } from 'uuidv7'
import { type Destination, findDestination, unclaimed } from './attribute/destination.ts'
import type { FeedOf } from './attribute/feedback-loops.ts'
import type { SealedToken } from './attribute/sealed-token.ts'
import { choose, leave, type Recorded, undo } from './clicks.ts'
import type { Sql } from './db/sql.ts'
import { storageFailure } from './db/sqlstate.ts'
import {
  type AcceptedDestination,
  type Arrival,
  attributionOf,
  type DecideDeps,
  decide,
  quarantined,
  type WhoseIs,
} from './decide.ts'
import { storable } from './erased-mail.ts'
import type { Choice, Left } from './feedback/choice.ts'
import type { Outcome, Unsubscribe } from './feedback/feedback.ts'
import type { ReceivedMessage } from './feedback/message.ts'
import type { Report } from './feedback/report.ts'
import { countFeedback, countOutcome, countReport, type Metrics } from './metrics.ts'
import type { Parser } from './parse/parse.ts'
import { contentDigest, messageDigest } from './record/digest.ts'
import type { MessageRecord } from './record/messages.ts'
import type { Erasure } from './suppression/erased.ts'
import { createWriter, type MailToWrite } from './write.ts'

export type PipelineDeps = DecideDeps & {
  parser: Parser
  feedOf: FeedOf
  erasure: Erasure
  /** Whose bytes are kept: HEARBACK_RAW. */
  raw: 'undecided' | 'all' | 'none'
  metrics: Metrics
  now: () => Date
}

export type Pipeline = {
  /** Whether a RCPT TO is ours. Rejects when that cannot be looked up. */
  findDestination(rcptTo: string): Promise<Destination>
  /** One outcome for each RCPT TO, in order, after the commit. Rejects when nothing was stored. */
  processMessage(message: ReceivedMessage): Promise<readonly Outcome[]>
  /** A click on an unsubscribe link, after the commit; a repeated one changes nothing. */
  processUnsubscribe(token: SealedToken, via: Unsubscribe['via']): Promise<Left>
  /** What a recipient chose, all or nothing; `false` when nothing had to be changed. */
  processChoices(token: SealedToken, choices: readonly Choice[]): Promise<boolean>
  /** Takes a click back; `false` when what it did does not stand any more. */
  processUndo(token: SealedToken, clickId: string): Promise<boolean>
  /** Resolves when all that was handed in has been written. */
  drain(): Promise<void>
}

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
      const work = (sql: Sql) => leave(sql, token, via, deps.now())
      const { left, recorded } = await deps.db.transaction(work)
      countAll(recorded)
      return left
    },

    async processChoices(token, choices) {
      return countAll(await deps.db.transaction((sql) => choose(sql, token, choices, deps.now())))
    },

    async processUndo(token, clickId) {
      return countAll(await deps.db.transaction((sql) => undo(sql, token, clickId, deps.now())))
    },

    async drain() {
      await Promise.allSettled(inHand)
    },
  }

  function countAll(recorded: Recorded): boolean {
    for (const one of recorded) countFeedback(deps.metrics, one)
    return recorded.length > 0
  }

  async function process(message: ReceivedMessage): Promise<readonly Outcome[]> {
    const { rcptTo } = message.envelope
    const destinations = await Promise.all(rcptTo.map(destinationOf))
    const report = await read(deps, message)
    const content = contentDigest(message.raw)
    const whoseIs = attributionOf(deps, message, report)
    const mail = await Promise.all(
      destinations.map((found, index) => {
        const destination = destinationOrUnclaimed(found, rcptTo[index] ?? '')
        return toWrite(deps, { message, content, destination, report }, whoseIs)
      }),
    )
    const outcomes = await writer.submit(mail)
    const feed = feedOfReport(deps, message, report)
    outcomes.forEach((outcome, index) => {
      countOutcome(deps.metrics, outcome)
      if (feed !== null) countReport(deps.metrics, feed, mail[index]?.tenantId ?? 0, outcome)
    })
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
  return destination.result === 'accepted' ? destination : unclaimed(rcptTo)
}

/** Of reports that have an author: a provider, or who runs the server. */
function feedOfReport(
  { feedOf }: PipelineDeps,
  { envelope: { mailFrom } }: ReceivedMessage,
  report: Report | null,
): string | null {
  if (report?.type !== 'feedback-report' && report?.type !== 'delivery-status') return null
  return feedOf([mailFrom.slice(mailFrom.lastIndexOf('@') + 1), report.reportingMta])
}

async function toWrite(
  deps: PipelineDeps,
  arrival: Arrival,
  whoseIs: WhoseIs,
): Promise<MailToWrite> {
  const { message, content, destination } = arrival
  const id = uuidv7()
  const decision = await decide(deps, id, arrival, whoseIs).catch((error) => {
    if (storageFailure(error) !== 'poison') throw error
    deps.log.error({ err: error, id: message.id }, 'message could not be decided')
    return quarantined('undecidable')
  })
  const { envelope } = message
  const tenantId = tenantOf(destination, decision.outcome)
  const kept = await storable(deps.erasure, tenantId, decision, {
    mailFrom: envelope.mailFrom,
    raw: message.raw,
  })
  const record = {
    id,
    message: kept.isOfErased ? { ...message, envelope: { ...envelope, mailFrom: '' } } : message,
    rcptTo: destination.rcptTo,
    digest: messageDigest(content, destination.rcptTo),
    keepRaw: !kept.isOfErased && keepsRaw(deps.raw, decision.outcome),
    ...kept.decision,
  }
  return { tenantId, record }
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
  // What was signed is the bytes: nothing else can be verified later.
  if (outcome.result === 'unattributed' && outcome.reason === 'dkim-undecided') return true
  if (raw === 'none') return false
  if (outcome.result !== 'recorded') return true
  return outcome.feedback.some(
    (one) => one.kind === 'bounce' && one.classification.reason === 'unknown',
  )
}
