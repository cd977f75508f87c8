import type { Logger } from 'pino'
import type { SMTPServerAddress, SMTPServerDataStream } from 'smtp-server'
import type { Outcome } from '../feedback/feedback.ts'
import type { ReceivedMessage } from '../feedback/message.ts'
import type { ByteBudget, ByteLease } from './byte-budget.ts'
import { collectMessage } from './collect-message.ts'
import { withinDeadline } from './deadlines.ts'
import { type Reply, replyToReceived } from './reply.ts'
import type { SmtpMetrics } from './smtp-metrics.ts'
import { SmtpRejection } from './smtp-rejection.ts'
import { beginData, type SmtpSession } from './smtp-session.ts'

export type RecipientVerdict =
  | { result: 'accepted' }
  | { result: 'rejected'; replyCode: 550; status: '5.1.1' | '5.7.1'; text: string }

export type TransactionOptions = {
  /** RFC 2033: one reply for each recipient. */
  lmtp: boolean
  maxMessageBytes: number
  maxRecipients: number
  /** For one question about a recipient, and for one message to be processed. */
  commitTimeoutMs: number
}

export type TransactionDeps = {
  /**
   * May this address receive here? `rcptTo` is the address as the client wrote it, without source
   * route; `postmaster` alone when it came without a domain (RFC 5321 section 4.1.1.3).
   */
  checkRecipient(rcptTo: string, remoteAddress: string): Promise<RecipientVerdict>
  /** One outcome for each address of the envelope, in order; a rejection becomes 451. */
  processMessage(message: ReceivedMessage): Promise<readonly Outcome[]>
  newId(): string
  now(): Date
  log: Logger
  metrics: SmtpMetrics
}

const mailParameters = new Set(['SIZE', 'BODY', 'SMTPUTF8'])
const noParameters = new Set<string>()

/** Begins a transaction. Throws SmtpRejection. */
export function beginTransaction(
  session: SmtpSession,
  mailFrom: SMTPServerAddress,
  budget: ByteBudget,
): void {
  refuseParameters(mailFrom, mailParameters)
  const size = mailFrom.args ? mailFrom.args['SIZE'] : null
  if (!budget.fits(Number(size || 1))) throw noRoom()
  session.recipients = []
}

/** Adds a recipient to the transaction. Throws SmtpRejection; anything else is our failure. */
export async function addRecipient(
  session: SmtpSession,
  rcptTo: SMTPServerAddress,
  options: TransactionOptions,
  deps: TransactionDeps,
): Promise<void> {
  refuseParameters(rcptTo, noParameters)
  if (session.recipients.length >= options.maxRecipients) {
    throw new SmtpRejection(452, '4.5.3', 'Too many recipients')
  }
  session.phase = 'working'
  try {
    const verdict = await withinDeadline(
      deps.checkRecipient(rcptTo.address, session.connection.remoteAddress),
      options.commitTimeoutMs,
    )
    if (verdict.result === 'rejected') {
      throw new SmtpRejection(verdict.replyCode, verdict.status, verdict.text)
    }
    session.recipients.push(rcptTo.address)
  } finally {
    session.phase = 'commands'
  }
}

/**
 * Reads a message to its end and has it processed. The replies (LMTP: one for each recipient), or
 * `null` when nobody is there to hear them. Throws SmtpRejection; anything else is our failure.
 */
export async function receiveMessage(
  session: SmtpSession,
  stream: SMTPServerDataStream,
  budget: ByteBudget,
  options: TransactionOptions,
  deps: TransactionDeps,
): Promise<readonly Reply[] | null> {
  beginData(session)
  const lease = budget.lease()
  const transfer = await collectMessage(stream, options.maxMessageBytes, lease, (bytes) => {
    session.dataBytes += bytes
  })
  if (transfer.result !== 'complete') lease.release()
  switch (transfer.result) {
    case 'complete':
      return await processReceived(session, transfer.raw, lease, options, deps)
    case 'aborted':
      return null
    case 'overrun':
      session.connection.send(552, '5.3.4 Message too big')
      session.connection.close()
      deps.metrics.rejected('5.3.4')
      return null
    case 'too-big':
      throw new SmtpRejection(552, '5.3.4', 'Message too big')
    case 'no-room':
      throw noRoom()
  }
}

async function processReceived(
  session: SmtpSession,
  raw: Buffer,
  lease: ByteLease,
  options: TransactionOptions,
  deps: TransactionDeps,
): Promise<readonly Reply[]> {
  session.phase = 'working'
  const keys = session.recipients.map((address) => address.toLowerCase())
  const rcptTo = session.recipients.filter((_, i) => keys.indexOf(keys[i] ?? '') === i)
  const { id, outcomes } = await withinDeadline(
    processThenRelease(session, rcptTo, raw, lease, deps),
    options.commitTimeoutMs,
  )
  if (outcomes.length !== rcptTo.length) {
    throw new Error(`${outcomes.length} outcomes for ${rcptTo.length} recipients`)
  }
  deps.metrics.messageReceived(raw.length)
  const results = outcomes.map((outcome) => outcome.result)
  const { remoteAddress } = session.connection
  deps.log.info({ id, results, bytes: raw.length, remoteAddress }, 'message received')
  const reply = replyToReceived(id)
  return options.lmtp ? session.recipients.map(() => reply) : [reply]
}

/** Memory is given back when the work ends, which may be long after we stopped waiting for it. */
async function processThenRelease(
  session: SmtpSession,
  rcptTo: readonly string[],
  raw: Buffer,
  lease: ByteLease,
  deps: TransactionDeps,
): Promise<{ id: string; outcomes: readonly Outcome[] }> {
  try {
    const { hostNameAppearsAs, remoteAddress, secure } = session.connection
    const envelope = {
      mailFrom: mailFromOf(session),
      rcptTo,
      helo: hostNameAppearsAs || '',
      remoteAddress,
      tls: secure,
    }
    const id = deps.newId()
    const message = { id, receivedAt: deps.now(), envelope, raw }
    return { id, outcomes: await deps.processMessage(message) }
  } finally {
    lease.release()
  }
}

function mailFromOf(session: SmtpSession): string {
  const { mailFrom } = session.connection.session.envelope
  return mailFrom ? mailFrom.address : ''
}

/** RFC 5321 section 4.1.1.11 */
function refuseParameters(path: SMTPServerAddress, known: ReadonlySet<string>): void {
  for (const keyword of Object.keys(path.args || {})) {
    if (!known.has(keyword)) throw new SmtpRejection(555, '5.5.4', 'Unsupported parameter')
  }
}

function noRoom(): SmtpRejection {
  return new SmtpRejection(452, '4.3.1', 'Too much mail at once, try again later')
}
