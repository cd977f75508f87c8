import { join } from 'node:path'
import { attach, type Server } from './embedded-attach.ts'
import { ensureCluster, superuser } from './embedded-cluster.ts'
import { findPlace, type Place, systemFolder } from './embedded-place.ts'
import { stopPostmaster } from './embedded-postmaster.ts'
import { ensureProgram, findPostgresPackage, type PostgresPackage } from './embedded-program.ts'
import { database, type Purpose } from './embedded-session.ts'
import { type EmbeddedLog, watchServer } from './embedded-watch.ts'

/** How to reach the server; as options for the client `postgres`. */
export type EmbeddedConnection = {
  /** The folder of the Unix socket. */
  host: string
  port: number
  database: string
  user: string
}

export type EmbeddedPostgres = {
  connection: EmbeddedConnection
  /** One line for the operator when files stand elsewhere than in the data directory. */
  note: string | null
  /** Stops the server, unless other processes of ours use it: then the last of those does. */
  stop(): Promise<void>
}

/**
 * Uses the PostgreSQL server of this data directory; starts it when it is not running, and makes it
 * the first time. Every use counts until its `stop`; a server whose users were killed is adopted.
 * For a daemon it also keeps the server running, and keeps other daemons out.
 * @throws EmbeddedPostgresError with words for the operator; after 10 s when another daemon is there.
 */
export async function startEmbedded(options: {
  dataDir: string
  purpose: Purpose
  log: EmbeddedLog
}): Promise<EmbeddedPostgres> {
  const found = await findPostgresPackage()
  const place = await findPlace(options.dataDir)
  const copies = place.user === null ? place.dataDir : systemFolder
  const program = await ensureProgram(found, place.user, copies)
  await ensureCluster(place, program, found.version)
  const logFile = join(place.dataDir, 'postgres.log')
  const server: Server = { place, program, logFile, purpose: options.purpose }
  const first = await attach(server, null)
  const watch = options.purpose === 'daemon' ? watchServer(server, first, options.log) : null
  let stopping: Promise<void> | null = null
  return {
    connection: {
      host: first.postmaster.socketDirectory,
      port: first.postmaster.port,
      database,
      user: superuser,
    },
    note: describePlaces(place, found, program),
    stop: () => {
      stopping ??= stop()
      return stopping
    },
  }

  async function stop(): Promise<void> {
    const session = watch === null ? first.session : await watch.end()
    if (await session.isLast()) await stopPostmaster(place.cluster)
    await session.end()
  }
}

function describePlaces(place: Place, found: PostgresPackage, program: string): string | null {
  const isMoved = place.home !== place.dataDir
  if (!isMoved && program === found.directory) return null
  const what = [
    ...(isMoved ? [`its data in ${place.cluster}`] : []),
    ...(program === found.directory ? [] : [`its program in ${program}`]),
  ]
  return `PostgreSQL runs as ${place.user?.name ?? 'this user'} and has ${what.join(' and ')}, because ${
    place.user === null
      ? `the library links of ${found.directory} are missing and cannot be made there`
      : `that user cannot enter ${isMoved ? place.dataDir : found.directory}`
  }.`
}
