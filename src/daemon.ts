import type { RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { uuidv7 } from 'uuidv7'
import type { Destination } from './attribute/destination.ts'
import { createKeyring } from './attribute/keyring.ts'
import { type Bootstrapped, bootstrap } from './bootstrap.ts'
import { loadRules } from './classify/rules.ts'
import { rulesDirectory } from './cli/package-root.ts'
import { openStorage, type Storage } from './cli/storage.ts'
import { type Config, ConfigError } from './config.ts'
import { createDatabase, isDurable } from './db/sql.ts'
import { createAdminServer } from './http/admin.ts'
import { createApp } from './http/app.ts'
import { createHttpServer } from './http/server.ts'
import type { Log } from './log.ts'
import { createMetrics, type Metrics } from './metrics.ts'
import { createParser } from './parse/parse.ts'
import { createPipeline, type Pipeline, type PipelineDeps } from './pipeline.ts'
import type { SmtpMetrics } from './receive/smtp-metrics.ts'
import { createSmtpServer, type SmtpServer, smtpDefaults } from './receive/smtp-server.ts'
import type { RecipientVerdict } from './receive/transaction.ts'
import { startSweeper } from './sweeper.ts'
import {
  createDomainDirectory,
  isReservedName,
  listInboundDomains,
} from './tenant/inbound-domains.ts'

type ListensAt = { host: string; port: number }

export type Daemon = {
  smtp: ListensAt
  http: ListensAt
  admin: ListensAt
  storage: Storage
  /** `null`: nothing had to be made. */
  bootstrapped: Bootstrapped | null
  /** STARTTLS with these from now on. Throws, and keeps what there was, when they are no use. */
  reloadTls: SmtpServer['updateTls']
  /** Answers what is under way and closes everything, doors first. */
  close(): Promise<void>
}

const maxHttpConnections = 5_000
/** Of the ten seconds that supervisors wait before they kill: the rest is for the last commit. */
const closeDeadlineMs = 6_000

/** What has to be closed, in the order in which it was opened. */
type Closers = (() => Promise<void>)[]

/** The composition root: storage, stages, doors. Throws a ConfigError when it must not start. */
export async function startDaemon(config: Config, log: Log): Promise<Daemon> {
  for (const warning of config.warnings) log.warn(warning)
  const rules = loadRules(rulesDirectory(), config.rulesDir)
  const storage = await openStorage(config, 'daemon', log)
  const closers: Closers = [storage.close]
  const close = async (): Promise<void> => {
    for (let end = closers.pop(); end; end = closers.pop()) await end()
  }
  try {
    const { db } = storage
    await refuseUnsafeStorage(storage, config)
    const keyring = createKeyring(db, storage.secret)
    await keyring.load()
    const bootstrapped = await bootstrap(storage, config)
    const metrics = createMetrics()
    await warnOfOpenDomains(storage, log, metrics)
    const parser = createParser()
    closers.push(parser.close)
    const stages = {
      findDomain: createDomainDirectory(db),
      parser,
      rules,
      raw: config.raw,
      log,
      metrics,
      now: () => new Date(),
    }
    const pipeline = createPipeline({ ...stages, db, keyring })
    closers.push(pipeline.drain)
    closers.push(startSweeper(db, config.retentionDays, log).close)
    const app = openApp(config, storage, stages, closers)
    const opened = await openDoors({ config, log, storage, metrics, pipeline, app, closers })
    const { reloadTls, ...doors } = opened
    log.info(doors, 'hearback is ready')
    return { ...doors, storage, bootstrapped, reloadTls, close }
  } catch (error) {
    await close()
    throw error
  }
}

async function refuseUnsafeStorage({ db }: Storage, config: Config): Promise<void> {
  if (config.acceptFsyncOff || (await db.run(isDurable))) return
  throw new ConfigError([
    'DATABASE_URL: this PostgreSQL runs with fsync=off and can lose what it confirmed; turn it on, or set HEARBACK_ACCEPT_FSYNC_OFF=1',
  ])
}

async function warnOfOpenDomains({ db }: Storage, log: Log, metrics: Metrics): Promise<void> {
  const domains = await db.run(listInboundDomains)
  const open = domains.filter(({ accepts, domain }) => accepts === 'any' && !isReservedName(domain))
  metrics.unsignedDomains.set(open.length)
  for (const { domain } of open) {
    log.warn(`domain ${domain} believes unsigned reports: anybody can suppress anybody there`)
  }
}

/** On connections of its own: whatever is asked over HTTP, mail still comes in. */
function openApp(
  config: Config,
  { target, secret }: Storage,
  stages: Omit<PipelineDeps, 'db' | 'keyring'>,
  closers: Closers,
): RequestListener {
  const db = createDatabase(target)
  closers.push(db.close)
  const keyring = createKeyring(db, secret)
  return createApp({
    db,
    keyring,
    log: stages.log,
    trustProxy: [...config.http.trustProxy],
    unsubscribe: createPipeline({ ...stages, db, keyring }).processUnsubscribe,
    now: stages.now,
  })
}

async function openDoors({
  config,
  log,
  storage: { db },
  metrics,
  pipeline,
  app,
  closers,
}: {
  config: Config
  log: Log
  storage: Storage
  metrics: Metrics
  pipeline: Pipeline
  app: RequestListener
  closers: Closers
}): Promise<Pick<Daemon, 'smtp' | 'http' | 'admin' | 'reloadTls'>> {
  let isDraining = false
  const { registry } = metrics
  const admin = createAdminServer(config.admin, {
    db,
    registry,
    isDraining: () => isDraining,
    log,
  })
  closers.push(admin.close)
  const http = createHttpServer({ ...config.http, maxConnections: maxHttpConnections }, app)
  const smtp = openSmtp(config, log, metrics, pipeline)
  closers.push(async () => {
    isDraining = true
    await Promise.all([smtp.close(), http.close()])
  })
  return {
    admin: listensAt(await admin.listen()),
    http: listensAt(await http.listen()),
    smtp: await smtp.listen(),
    reloadTls: smtp.updateTls,
  }
}

function listensAt({ address, port }: AddressInfo): ListensAt {
  return { host: address, port }
}

function openSmtp(config: Config, log: Log, metrics: Metrics, pipeline: Pipeline): SmtpServer {
  const { protocol, ...options } = config.smtp
  return createSmtpServer(
    {
      ...smtpDefaults,
      ...options,
      hostname: config.hostname,
      lmtp: protocol === 'lmtp',
      closeDeadlineMs,
    },
    {
      checkRecipient: async (rcptTo) => verdictOf(await pipeline.findDestination(rcptTo)),
      processMessage: pipeline.processMessage,
      newId: uuidv7,
      now: () => new Date(),
      log,
      metrics: smtpMetrics(metrics),
    },
  )
}

/** RFC 5321 section 3.6.2 (we relay for nobody) and RFC 3463. */
function verdictOf({ result }: Destination): RecipientVerdict {
  switch (result) {
    case 'accepted':
      return { result: 'accepted' }
    case 'unknown-domain':
      return { result: 'rejected', replyCode: 550, status: '5.7.1', text: 'Relaying denied' }
    case 'unknown-mailbox':
      return { result: 'rejected', replyCode: 550, status: '5.1.1', text: 'No such mailbox here' }
  }
}

function smtpMetrics(metrics: Metrics): SmtpMetrics {
  return {
    connectionOpened: () => metrics.smtpConnections.inc(),
    connectionClosed: () => metrics.smtpConnections.dec(),
    messageReceived: (bytes) => metrics.receivedBytes.inc(bytes),
    rejected: (status) => metrics.smtpReplies.inc({ status }),
    failed: () => metrics.smtpReplies.inc({ status: '4.3.0' }),
  }
}
