import { setTimeout as sleep } from 'node:timers/promises'
import { type Attachment, attach, type Server } from './embedded-attach.ts'
import type { Session } from './embedded-session.ts'

export type EmbeddedLog = { info(text: string): void; error(text: string): void }

/** Our session at the server, renewed for as long as we want one. */
export type Watch = {
  /** Ends the watch. The last session; it is broken when the server just went down. */
  end(): Promise<Session>
}

const retryMs = 1_000

/** Brings the server back when it dies under a daemon; pools connect anew to the same socket. */
export function watchServer(server: Server, first: Attachment, log: EmbeddedLog): Watch {
  const leaving = new AbortController()
  const left = new Promise<void>((resolve) => {
    leaving.signal.addEventListener('abort', () => resolve())
  })
  const watching = watch()
  return {
    end: () => {
      leaving.abort()
      return watching
    },
  }

  async function watch(): Promise<Session> {
    let { session } = first
    for (;;) {
      await Promise.race([session.closed, left])
      if (leaving.signal.aborted) return session
      log.error('The connection to the embedded PostgreSQL broke; looking for the server')
      session = await renew(session)
    }
  }

  async function renew(broken: Session): Promise<Session> {
    await broken.end()
    while (!leaving.signal.aborted) {
      try {
        const { session } = await attach(server, leaving.signal)
        log.info('The embedded PostgreSQL is there again')
        return session
      } catch (error) {
        if (leaving.signal.aborted) break
        log.error(`The embedded PostgreSQL does not come back: ${String(error)}`)
        await Promise.race([sleep(retryMs), left])
      }
    }
    return broken
  }
}
