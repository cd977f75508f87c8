import type { SMTPServerDataResult, SMTPServerOptions, SMTPServerSession } from 'smtp-server'
import { maskAddress } from '../feedback/address.ts'
import type { ByteBudget } from './byte-budget.ts'
import { type Reply, replyToFailure } from './reply.ts'
import { SmtpRejection } from './smtp-rejection.ts'
import { endMessage, type SmtpSession } from './smtp-session.ts'
import {
  addRecipient,
  beginTransaction,
  receiveMessage,
  type TransactionDeps,
  type TransactionOptions,
} from './transaction.ts'

type Handlers = Required<
  Pick<SMTPServerOptions, 'onConnect' | 'onMailFrom' | 'onRcptTo' | 'onData'>
>

/**
 * The transaction as the callbacks of the library. Left to itself it answers a failure of ours with
 * a permanent 550 and the words of the error, dies of a rejected promise, and waits for ever for a
 * callback that does not come: here every callback is called, once, with a reply of ours.
 */
export function createHandlers(
  sessions: ReadonlyMap<SMTPServerSession, SmtpSession>,
  budget: ByteBudget,
  options: TransactionOptions,
  deps: TransactionDeps,
): Handlers {
  return {
    onConnect: (_, callback) => callback(),

    onMailFrom(mailFrom, key, callback) {
      let refusal: Error | null = null
      try {
        beginTransaction(sessionOf(sessions, key), mailFrom, budget)
      } catch (cause) {
        refusal = errorFor(report(cause, mailFrom.address, key, deps))
      }
      callback(refusal)
    },

    onRcptTo(rcptTo, key, callback) {
      addRecipient(sessionOf(sessions, key), rcptTo, options, deps)
        .then(
          () => callback(),
          (cause) => callback(errorFor(report(cause, rcptTo.address, key, deps))),
        )
        .catch((err) => deps.log.error({ err }, 'RCPT TO could not be answered'))
    },

    onData(stream, key, callback) {
      const session = sessionOf(sessions, key)
      receiveMessage(session, stream, budget, options, deps)
        .catch((cause): readonly Reply[] => {
          const reply = report(cause, session.recipients[0] ?? '', key, deps)
          return options.lmtp ? session.recipients.map(() => reply) : [reply]
        })
        .then((replies) => {
          endMessage(session)
          if (replies !== null) answerData(replies, options.lmtp, callback)
        })
        .catch((err) => deps.log.error({ err }, 'DATA could not be answered'))
    },
  }
}

function sessionOf(
  sessions: ReadonlyMap<SMTPServerSession, SmtpSession>,
  key: SMTPServerSession,
): SmtpSession {
  const session = sessions.get(key)
  if (session === undefined) throw new Error('command of a connection that is closed')
  return session
}

/** Counts and logs why a command is refused; the reply is all that the client may know. */
function report(
  cause: unknown,
  address: string,
  session: SMTPServerSession,
  deps: TransactionDeps,
): Reply {
  const reply = replyToFailure(cause)
  const about = { remoteAddress: session.remoteAddress, address: maskAddress(address) }
  if (cause instanceof SmtpRejection) {
    deps.metrics.rejected(reply.status)
    deps.log.info({ ...about, ...reply }, 'refused')
  } else {
    deps.metrics.failed()
    deps.log.error({ err: cause, ...about }, 'mail put off by a failure of ours')
  }
  return reply
}

function answerData(
  replies: readonly Reply[],
  lmtp: boolean,
  callback: (err?: Error | null, message?: string | SMTPServerDataResult[]) => void,
): void {
  const results = replies.map((reply): SMTPServerDataResult => {
    return reply.replyCode < 300 ? textOf(reply) : errorFor(reply)
  })
  const [only] = results
  if (lmtp) callback(null, results)
  else if (only instanceof Error) callback(only)
  else callback(null, only ?? '')
}

/** The form in which the library wants a reply that is not 250. */
function errorFor(reply: Reply): Error {
  return Object.assign(new Error(textOf(reply)), { responseCode: reply.replyCode })
}

function textOf(reply: Reply): string {
  return `${reply.status} ${reply.text}`
}
