import { uuidv7 } from 'uuidv7'
import { type AttributableReport, createAttribution, type Whose } from './attribute/attribute.ts'
import type { Finding } from './attribute/attribute-named.ts'
import type { Destination } from './attribute/destination.ts'
import type { Keyring } from './attribute/keyring.ts'
import type { SenderVerdict, SenderVerifier } from './attribute/verified-sender.ts'
import { classify } from './classify/classify.ts'
import type { Rules } from './classify/rules.ts'
import type { Database } from './db/sql.ts'
import type { Feedback, IgnoredReason } from './feedback/feedback.ts'
import type { InboundDomain } from './feedback/inbound-domain.ts'
import type { ReceivedMessage } from './feedback/message.ts'
import type { Report } from './feedback/report.ts'
import type { Log } from './log.ts'
import type { MessageRecord } from './record/messages.ts'
import { isLiveGroup } from './suppression/groups.ts'

export type DecideDeps = {
  db: Database
  keyring: Keyring
  senders: SenderVerifier
  findDomain: (name: string) => Promise<InboundDomain | null>
  rules: Rules
  log: Log
}

export type AcceptedDestination = Extract<Destination, { result: 'accepted' }>
export type Decision = { outcome: MessageRecord['outcome']; report: Report | null }

/** A message on its way to one of its RCPT TO. */
export type Arrival = {
  message: ReceivedMessage
  /** Digest of its content. */
  content: Buffer
  destination: AcceptedDestination
  /** `null`: it could not be read. */
  report: Report | null
}

export type WhoseIs = (destination: AcceptedDestination) => Promise<Whose>

/** Whose a message is, at each of its RCPT TO; what that takes is done once. */
export function attributionOf(
  { keyring, senders, findDomain, log }: DecideDeps,
  { id, raw, receivedAt: now }: ReceivedMessage,
  report: Report | null,
): WhoseIs {
  let verdict: Promise<SenderVerdict> | null = null
  const verifySender = (): Promise<SenderVerdict> => {
    verdict ??= senders.verify(raw, now).then((found) => {
      log.info({ id, ...found, to: undefined }, 'sender of a feedback report')
      return found
    })
    return verdict
  }
  if (report === null) return async () => ({ result: 'unattributed', reason: 'no-token' })
  return createAttribution({ keyring, verifySender, findDomain, now }, report)
}

/** Real reports name far fewer; one like this waits for somebody to look at it. */
const maxRecipientsOfReport = 5_000

/** What to make of a message: the rules, without a write. */
export async function decide(
  deps: DecideDeps,
  id: string,
  arrival: Arrival,
  whoseIs: WhoseIs = attributionOf(deps, arrival.message, arrival.report),
): Promise<Decision> {
  const { message, destination, report } = arrival
  const attributed = async (about: AttributableReport): Promise<Decision> =>
    decisionOn(deps, { id, message }, about, await whoseIs(destination))
  if (report === null) return quarantined('unreadable')
  switch (report.type) {
    case 'delivery-status':
      if (report.recipients.length > maxRecipientsOfReport)
        return quarantined('too-many-recipients')
      return report.recipients.some(({ action }) => action === 'failed')
        ? attributed(report)
        : ignored('not-failed', report)
    case 'feedback-report':
      return isComplaint(report.feedbackType) || report.feedbackType === 'opt-out'
        ? attributed(report)
        : ignored('not-abuse', report)
    case 'unsubscribe-request':
      // RFC 3834 section 2: nobody who wants to be left alone writes as nobody.
      return message.envelope.mailFrom === ''
        ? ignored('automatic-response', report)
        : attributed(report)
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

export function quarantined(reason: string): Decision {
  return { outcome: { result: 'quarantined', reason }, report: null }
}

function ignored(reason: IgnoredReason, report: Report): Decision {
  return { outcome: { result: 'ignored', reason }, report }
}

async function decisionOn(
  deps: DecideDeps,
  { id, message }: { id: string; message: ReceivedMessage },
  report: AttributableReport,
  whose: Whose,
): Promise<Decision> {
  if (whose.result === 'unattributed') return { outcome: whose, report }
  const common = { receivedMessageId: id, reportedAt: message.receivedAt }
  const feedback = await Promise.all(
    whose.findings.map((finding) => feedbackOf(deps, common, report, finding)),
  )
  const isVouchedFor = report.type === 'feedback-report' && whose.sender !== null
  return {
    outcome: { result: 'recorded', feedback },
    report: isVouchedFor ? { ...report, verifiedSender: whose.sender } : report,
  }
}

async function feedbackOf(
  { db, rules }: DecideDeps,
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

/** Whoever leaves a group that is gone wants no more of this mail: that is everything then. */
async function groupToLeave(
  db: Database,
  tenantId: number,
  groupId: number | null,
): Promise<number | null> {
  if (groupId === null) return null
  return (await db.run((sql) => isLiveGroup(sql, tenantId, groupId))) ? groupId : null
}
