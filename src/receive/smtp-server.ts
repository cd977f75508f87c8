import { createSecureContext } from 'node:tls'
import { SMTPServer, type SMTPServerSession } from 'smtp-server'
import { SMTPConnection } from 'smtp-server/lib/smtp-connection.js'
import { parseAddressRanges } from './address-ranges.ts'
import { createByteBudget } from './byte-budget.ts'
import { createConnectionLimits } from './connection-limits.ts'
import { type DeadlineOptions, watchDeadlines } from './deadlines.ts'
import { drain } from './drain.ts'
import { createHandlers } from './library-handlers.ts'
import { createReplyBuffer } from './reply-buffer.ts'
import { adaptConnection } from './smtp-connection.ts'
import { createSession, type SmtpSession } from './smtp-session.ts'
import type { TransactionDeps, TransactionOptions } from './transaction.ts'

/** PEM texts. */
export type TlsFiles = { key: string; cert: string }

export type SmtpServerOptions = TransactionOptions &
  DeadlineOptions & {
    host: string
    /** 0 for any that is free. */
    port: number
    /** The name in the greeting. */
    hostname: string
    /** `null`: STARTTLS is not offered. */
    tls: TlsFiles | null
    /** Of strangers, and as many again of peers: neither can shut the others out. */
    maxConnections: number
    /** For an IPv6 /64 as for one IPv4 address. */
    maxConnectionsPerAddress: number
    /** Addresses and CIDR ranges that know no greeting delay and no limit per address. */
    peers: readonly string[]
    /** Addresses and CIDR ranges that begin with a PROXY header (version 1), and must. */
    proxyPeers: readonly string[]
    /** For strangers: who talks before the greeting is no mail server. */
    greetingDelayMs: number
    idleTimeoutMs: number
    /** Mail in memory at once, over all connections. */
    maxBytesInFlight: number
    /** How long `close` waits for transactions to end. */
    closeDeadlineMs: number
  }

export type SmtpServer = {
  /** Rejects when the port cannot be had. */
  listen(): Promise<{ host: string; port: number }>
  /** For handshakes from now on. Throws, and keeps what there was, when they are no use. */
  updateTls(tls: TlsFiles): void
  /** Ends what is under way with a reply, sends everybody else away with 421. */
  close(): Promise<void>
}

/** RFC 5321 and what operators of big relays found out; all but sizes and counts in milliseconds. */
export const smtpDefaults = {
  maxRecipients: 100,
  commitTimeoutMs: 30_000,
  sessionDeadlineMs: 600_000,
  minDataRate: 500,
  dataGraceMs: 10_000,
  greetingDelayMs: 100,
  idleTimeoutMs: 300_000,
  maxBytesInFlight: 256 * 1024 * 1024,
  closeDeadlineMs: 10_000,
} as const

const maxCommandBytes = 4_096
const unwantedCommands = ['AUTH', 'WIZ', 'SHELL', 'KILL', 'XCLIENT', 'XFORWARD']

/**
 * The SMTP door (RFC 5321), or with `lmtp` the LMTP one (RFC 2033). A message gets its 250 when
 * `processMessage` has kept it, and 451 when that fails, hangs or throws.
 */
export function createSmtpServer(options: SmtpServerOptions, deps: TransactionDeps): SmtpServer {
  const sessions = new Map<SMTPServerSession, SmtpSession>()
  const budget = createByteBudget(options.maxBytesInFlight)
  if (options.tls !== null) checkTls(options.tls)
  const server = new SMTPServer({
    ...libraryOptions(options),
    ...createHandlers(sessions, budget, options, deps),
  })
  acceptConnections(server, sessions, options, deps)
  const endWatch = watchDeadlines(sessions, options)
  let closed: Promise<void> | null = null

  return {
    listen: () => listen(server, options.host, options.port),
    updateTls(tls) {
      checkTls(tls)
      server.updateSecureContext(tls)
    },
    close() {
      closed ??= drain(server, sessions, options.closeDeadlineMs).finally(endWatch)
      return closed
    },
  }
}

function libraryOptions(options: SmtpServerOptions) {
  return {
    name: options.hostname,
    heloResponse: '%s',
    lmtp: options.lmtp,
    logger: false,
    size: options.maxMessageBytes,
    maxCommandLength: maxCommandBytes,
    maxClients: options.maxConnections,
    socketTimeout: options.idleTimeoutMs,
    closeTimeout: options.closeDeadlineMs + 60_000,
    // Without a key of ours the library would answer STARTTLS with a published one.
    ...(options.tls ?? {}),
    minVersion: 'TLSv1.2' as const,
    disabledCommands: options.tls === null ? [...unwantedCommands, 'STARTTLS'] : unwantedCommands,
    disableReverseLookup: true,
    hideENHANCEDSTATUSCODES: false,
    hideDSN: true,
  }
}

function acceptConnections(
  server: SMTPServer,
  sessions: Map<SMTPServerSession, SmtpSession>,
  options: SmtpServerOptions,
  deps: TransactionDeps,
): void {
  const peers = parseAddressRanges(options.peers)
  const proxyPeers = parseAddressRanges(options.proxyPeers)
  const { maxConnections, maxConnectionsPerAddress, greetingDelayMs } = options
  const ofStrangers = createConnectionLimits(maxConnections, maxConnectionsPerAddress)
  const ofPeers = createConnectionLimits(maxConnections, maxConnections)
  const limitsOf = ({ isPeer }: SmtpSession) => (isPeer ? ofPeers : ofStrangers)
  const replyBuffer = createReplyBuffer()

  server._expectsProxyHeader = (socket) => proxyPeers.includes(socket.remoteAddress ?? '')
  server.connect = (socket, socketOptions) => {
    if (socket.destroyed) return
    const connection = new SMTPConnection(server, socket, socketOptions)
    const session = createSession(connection, peers.includes(connection.remoteAddress))
    session.isAdmitted = limitsOf(session).enter(connection.remoteAddress)
    sessions.set(connection.session, session)
    server.connections.add(connection)
    connection.on('error', (error) => server.emit('error', error))
    adaptConnection(session, { greetingDelayMs, replyBuffer })
    deps.metrics.connectionOpened()
    connection.init()
  }
  server.onClose = (key) => {
    const session = sessions.get(key)
    if (session === undefined) return
    sessions.delete(key)
    if (session.isAdmitted) limitsOf(session).leave(session.connection.remoteAddress)
    deps.metrics.connectionClosed()
  }
  // Without a listener here, one client that resets its connection would end the process.
  server.on('error', (err: Error & { remoteAddress?: string; meta?: unknown }) => {
    if (err.remoteAddress === undefined && err.meta === undefined) {
      deps.log.error({ err }, 'SMTP listener')
    } else {
      deps.log.debug({ err }, 'SMTP connection broke')
    }
  })
}

function listen(server: SMTPServer, host: string, port: number) {
  return new Promise<{ host: string; port: number }>((resolve, reject) => {
    server.server.once('error', reject)
    server.listen(port, host, () => {
      server.server.off('error', reject)
      const address = server.server.address()
      const isTcp = address !== null && typeof address === 'object'
      resolve(isTcp ? { host: address.address, port: address.port } : { host, port })
    })
  })
}

/** The library drops the context it has before it makes a new one: nothing bad may reach it. */
function checkTls(tls: TlsFiles): void {
  createSecureContext({ ...tls, minVersion: 'TLSv1.2' })
}
