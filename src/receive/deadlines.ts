import type { SmtpSession } from './smtp-session.ts'

export type DeadlineOptions = {
  /** From the connection, or the begin or end of a message, to the next of these, milliseconds. */
  sessionDeadlineMs: number
  /** Mail data must come at this rate, bytes a second, measured from DATA on. */
  minDataRate: number
  /** For how long after DATA the rate does not matter yet, milliseconds. */
  dataGraceMs: number
}

/**
 * Cuts clients that keep a connection by dripping bytes: an idle timeout is all that the library
 * has, and any byte resets that. Returns a function that ends the watch.
 */
export function watchDeadlines(
  sessions: ReadonlyMap<unknown, SmtpSession>,
  options: DeadlineOptions,
): () => void {
  const shortest = Math.min(options.sessionDeadlineMs, options.dataGraceMs)
  const timer = setInterval(
    () => {
      const now = performance.now()
      for (const session of sessions.values()) {
        if (isLate(session, now, options)) cut(session)
      }
    },
    Math.min(1_000, Math.max(10, shortest / 4)),
  )
  timer.unref()
  return () => clearInterval(timer)
}

/** The reply gets one round of the watch to leave; a client that does not read it waits in vain. */
function cut({ connection }: SmtpSession): void {
  if (connection._closing) connection._socket.destroy()
  else connection.send(421, '4.4.2 Too slow, closing connection')
}

function isLate(session: SmtpSession, now: number, options: DeadlineOptions): boolean {
  const elapsedMs = now - session.progressAt
  switch (session.phase) {
    case 'working':
      return false
    case 'commands':
      return elapsedMs > options.sessionDeadlineMs
    case 'data':
      if (elapsedMs > options.sessionDeadlineMs) return true
      if (elapsedMs <= options.dataGraceMs) return false
      return session.dataBytes < (options.minDataRate * elapsedMs) / 1_000
  }
}

/**
 * What `work` comes to, or a rejection after `timeoutMs`. The work itself goes on: what it commits
 * late is a duplicate when the client sends it again.
 */
export function withinDeadline<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no answer in ${timeoutMs} ms`)), timeoutMs)
    work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
