import type { SMTPConnection } from 'smtp-server/lib/smtp-connection.js'

/** What we know about one connection beside what the library keeps. */
export type SmtpSession = {
  connection: SMTPConnection
  /** One of our own relays: no greeting delay, no limit per address. */
  isPeer: boolean
  /** False when it was turned away with a 421 greeting, and so was not counted. */
  isAdmitted: boolean
  /** Whose turn it is: the client's with a command or with mail data, or ours. */
  phase: 'commands' | 'data' | 'working'
  /** RCPT TO accepted in this transaction, in order, repeated ones too. */
  recipients: string[]
  /** Replies since the last message, of which a client that means well needs few. */
  replies: number
  /** Of the message that is coming in. */
  dataBytes: number
  /** On the monotonic clock, milliseconds: the connection opened, or a message began or ended. */
  progressAt: number
}

export function createSession(connection: SMTPConnection, isPeer: boolean): SmtpSession {
  return {
    connection,
    isPeer,
    isAdmitted: false,
    phase: 'commands',
    recipients: [],
    replies: 0,
    dataBytes: 0,
    progressAt: performance.now(),
  }
}

export function beginData(session: SmtpSession): void {
  session.phase = 'data'
  session.dataBytes = 0
  session.progressAt = performance.now()
}

export function endMessage(session: SmtpSession): void {
  session.phase = 'commands'
  session.recipients = []
  session.replies = 0
  session.progressAt = performance.now()
}
