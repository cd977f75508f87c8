import { setTimeout as sleep } from 'node:timers/promises'
import { EmbeddedPostgresError } from './embedded-error.ts'
import type { Place } from './embedded-place.ts'
import {
  findPostmaster,
  type Launch,
  lastLogLines,
  launchPostgres,
  type Postmaster,
} from './embedded-postmaster.ts'
import { openSession, type Purpose, type Session } from './embedded-session.ts'
import { ensureSocketDirectory } from './embedded-socket.ts'

export type Attachment = { session: Session; postmaster: Postmaster }

/** A cluster that is complete, and the program for it. */
export type Server = { place: Place; program: string; logFile: string; purpose: Purpose }

/** Recovery after a crash can take long; the server goes on with it when we give up. */
const patienceMs = 120_000
/** A predecessor that was killed may leave a backend behind for a moment. */
const launchPatienceMs = 5_000
const pollMs = 5
const retryMs = 100

/**
 * A session at the server that runs on the cluster; starts one when there is none. Nothing locks
 * this: of two servers that are started at once PostgreSQL lets one live, and both starters use it.
 */
export async function attach(server: Server, signal: AbortSignal | null): Promise<Attachment> {
  const { place, purpose, logFile } = server
  const startedAt = performance.now()
  let firstLaunchAt: number | null = null
  let launch: Launch | null = null
  for (;;) {
    signal?.throwIfAborted()
    const postmaster = await findPostmaster(place.cluster)
    if (postmaster?.isReady === true) {
      const session = await openSession(postmaster, place, purpose)
      if (session !== null) return { session, postmaster }
    }
    const now = performance.now()
    if (postmaster === null && launch?.ended !== null) {
      firstLaunchAt ??= now
      if (launch !== null && now - firstLaunchAt > launchPatienceMs) {
        throw new EmbeddedPostgresError(
          `PostgreSQL does not start (${launch.ended}): ${await lastLogLines(logFile)}`,
        )
      }
      if (launch !== null) await sleep(retryMs)
      launch = await start(server)
    } else if (now - startedAt > patienceMs) {
      throw new EmbeddedPostgresError(
        `PostgreSQL (process ${postmaster?.pid ?? 'unknown'}) cannot be reached after ` +
          `${patienceMs / 1000} s, see ${logFile}.`,
      )
    }
    await sleep(postmaster?.isReady === true ? retryMs : pollMs)
  }
}

async function start({ place, program, logFile }: Server): Promise<Launch> {
  const socketDirectory = await ensureSocketDirectory(place)
  return await launchPostgres({
    program,
    cluster: place.cluster,
    socketDirectory,
    logFile,
    user: place.user,
  })
}
