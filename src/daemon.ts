import type { RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { uuidv7 } from 'uuidv7'
import type { Destination } from './attribute/destination.ts'
import { createTxtResolver, rememberAnswers } from './attribute/dkim-resolver.ts'
import { dkimThreadDefaults } from './attribute/dkim-thread.ts'
import { createFeedOf, type FeedbackLoop, readFeedbackLoops } from './attribute/feedback-loops.ts'
import { createKeyring } from './attribute/keyring.ts'
import { startReadingKeys } from './attribute/reading-keys.ts'
import { createSenderVerifier, type SenderVerifier } from './attribute/verified-sender.ts'
import { type Bootstrapped, bootstrap } from './bootstrap.ts'
import { loadRules } from './classify/rules.ts'
import { feedbackLoopsFile, packageVersion, rulesDirectory } from './cli/package-root.ts'
import { openStorage, type Storage } from './cli/storage.ts'
import { type Config, ConfigError } from './config.ts'
import { openRedis, type Redis } from './db/redis.ts'
import { createDatabase, isDurable } from './db/sql.ts'
import { exportList } from './export.ts'
import { createAdminServer } from './http/admin.ts'
import { createHttpDoor } from './http/app.ts'
import { createGate } from './http/gate.ts'
import { createHttpServer } from './http/server.ts'
import { importFile, importSessions } from './import.ts'
import { startImporter } from './importer.ts'
import type { Log } from './log.ts'
import { createMetrics, type Metrics } from './metrics.ts'
import { createParser } from './parse/parse.ts'
import { summarise, summaryBytes } from './parse/summary.ts'
import { createPipeline, type Pipeline, type PipelineDeps } from './pipeline.ts'
import type { SmtpMetrics } from './receive/smtp-metrics.ts'
import { createSmtpServer, type SmtpServer, smtpDefaults } from './receive/smtp-server.ts'
import type { RecipientVerdict } from './receive/transaction.ts'
import { release } from './release.ts'
import { replayOne } from './replay-one.ts'
import { checkSessions, createChecker } from './suppression/check-batches.ts'
import { createErasure } from './suppression/erased.ts'
import { startSweeper } from './sweeper.ts'
import {
  createDomainDirectory,
  isReservedName,
  listInboundDomains,
} from './tenant/inbound-domains.ts'
import { startDecidingAgain } from './undecided.ts'

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
  const loops = loadFeedbackLoops(config)
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
    const senders = createSenders(config, loops)
    closers.push(senders.close)
    const stages = {
      findDomain: createDomainDirectory(db),
      parser,
      senders,
      feedOf: createFeedOf(loops),
      rules,
      raw: config.raw,
      log,
      metrics,
      now: () => new Date(),
    }
    const erasure = createErasure(db, storage.secret)
    const pipeline = createPipeline({ ...stages, db, keyring, erasure })
    closers.push(pipeline.drain)
    closers.push(startSweeper(db, config, log).close)
    const again = createSenders(config, loops)
    closers.push(again.close)
    closers.push(startDecidingAgain({ ...stages, db, keyring, erasure, senders: again }).close)
    const redis = connectRedis(config, log, metrics, closers)
    const app = await openApp(config, storage, redis, stages, closers)
    const opened = await openDoors({ config, log, storage, metrics, pipeline, app, closers })
    const { reloadTls, ...doors } = opened
    log.info(doors, 'hearback is ready')
    return { ...doors, storage, bootstrapped, reloadTls, close }
  } catch (error) {
    await close()
    throw error
  }
}

function loadFeedbackLoops({ feedbackLoopsFile: own }: Config): FeedbackLoop[] {
  const files = [feedbackLoopsFile(), ...(own === null ? [] : [own])]
  const { loops, problems } = readFeedbackLoops(files)
  if (problems.length === 0) return loops
  throw new ConfigError(problems.map((problem) => `feedback loops: ${problem}`))
}

function createSenders({ dnsServers }: Config, loops: readonly FeedbackLoop[]): SenderVerifier {
  const resolveTxt = rememberAnswers(createTxtResolver(dnsServers))
  return createSenderVerifier({ loops, resolveTxt, thread: dkimThreadDefaults })
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

function connectRedis(
  { redisUrl }: Config,
  log: Log,
  metrics: Metrics,
  closers: Closers,
): Redis | null {
  if (redisUrl === null) return null
  const redis = openRedis(redisUrl, { log, metrics })
  closers.push(redis.close)
  return redis
}

/** On connections of its own: whatever is asked over HTTP, mail still comes in. */
async function openApp(
  config: Config,
  { target, secret }: Storage,
  redis: Redis | null,
  stages: Omit<PipelineDeps, 'db' | 'keyring' | 'erasure'>,
  closers: Closers,
): Promise<RequestListener> {
  const db = createDatabase(target)
  closers.push(db.close)
  const checks = createDatabase(target, checkSessions)
  closers.push(checks.close)
  const { log, now } = stages
  const keyring = createKeyring(db, secret)
  await keyring.load()
  closers.push(startReadingKeys(keyring, log).close)
  const erasure = createErasure(db, secret)
  const imports = createDatabase(target, importSessions)
  const importer = startImporter({ db: imports, erasure, log, now })
  closers.push(imports.close, importer.close)
  const gate = createGate({ db, jwt: config.jwt, redis, rates: config.rates, log, now })
  return createHttpDoor({
    db,
    keyring,
    secret,
    gate,
    log,
    trustProxy: [...config.http.trustProxy],
    publicUrl: config.publicUrl,
    version: packageVersion(),
    clicks: createPipeline({ ...stages, db, keyring, erasure }),
    checker: createChecker({ db: checks, now }),
    messages: {
      summarise,
      summaryBytes,
      release: (waiting, vouched) => release({ ...stages, db, keyring, erasure }, waiting, vouched),
      replay: (message, how) => replayOne({ ...stages, db, keyring, erasure }, message, how),
    },
    transfers: {
      importFile: (order, file) => importFile({ db: imports, erasure, now }, order, file),
      wakeImporter: importer.wake,
      exportList: (...list) => exportList({ db, now }, ...list),
    },
    now,
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
      checkRecipient: async (rcptTo, remoteAddress) => {
        const destination = await pipeline.findDestination(rcptTo)
        if (destination.result === 'forged-return-path') {
          metrics.forgedReturnPaths.inc()
          log.info({ remoteAddress }, 'return path is not ours')
        }
        return verdictOf(destination)
      },
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
    case 'forged-return-path':
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
