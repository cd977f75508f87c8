import type { SMTPServer } from 'smtp-server'
import type { SmtpSession } from './smtp-session.ts'

const pollMs = 25
const farewellMs = 200
const shuttingDown = '4.3.2 Shutting down'

/**
 * Stops listening and lets every transaction that has reached its data come to its reply; clients
 * that wait for nothing are sent away at once. After `deadlineMs` all others are, too.
 */
export async function drain(
  server: SMTPServer,
  sessions: ReadonlyMap<unknown, SmtpSession>,
  deadlineMs: number,
): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(resolve))
  const poll = setInterval(() => dismissIdle(sessions), pollMs)
  dismissIdle(sessions)
  const deadline = setTimeout(() => dismissAll(sessions), deadlineMs)
  await closed
  clearInterval(poll)
  clearTimeout(deadline)
}

function dismissIdle(sessions: ReadonlyMap<unknown, SmtpSession>): void {
  for (const session of sessions.values()) {
    if (session.phase === 'commands') dismiss(session)
  }
}

function dismissAll(sessions: ReadonlyMap<unknown, SmtpSession>): void {
  for (const session of sessions.values()) {
    // RFC 5321 section 3.8: what the client waits for is put off before we go.
    if (session.phase === 'working') session.connection.send(451, shuttingDown)
    dismiss(session)
  }
  setTimeout(() => {
    for (const { connection } of sessions.values()) connection._socket.destroy()
  }, farewellMs)
}

/** Closing takes both sides; a client that leaves its side open cannot keep us. */
function dismiss({ connection }: SmtpSession): void {
  if (!connection._closing) connection.send(421, shuttingDown)
  connection._socket.destroySoon()
}
