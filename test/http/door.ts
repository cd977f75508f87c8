import { type Logger, pino } from 'pino'
import type { Registry } from 'prom-client'
import { afterAll, beforeAll } from 'vitest'
import { addSigningKey, createKeyring, type Keyring } from '../../src/attribute/keyring.ts'
import { type SealedToken, sealToken } from '../../src/attribute/sealed-token.ts'
import { loadRules } from '../../src/classify/rules.ts'
import { rulesDirectory } from '../../src/cli/package-root.ts'
import { createDatabase, type Database } from '../../src/db/sql.ts'
import { exportList } from '../../src/export.ts'
import { type AppDeps, createHttpDoor } from '../../src/http/app.ts'
import { createGate, type Gate, type GateDeps } from '../../src/http/gate.ts'
import { createHttpServer } from '../../src/http/server.ts'
import { importFile } from '../../src/import.ts'
import { createMetrics } from '../../src/metrics.ts'
import { createParser } from '../../src/parse/parse.ts'
import { summarise, summaryBytes } from '../../src/parse/summary.ts'
import { createPipeline, type Pipeline, type PipelineDeps } from '../../src/pipeline.ts'
import { release } from '../../src/release.ts'
import { replayOne } from '../../src/replay-one.ts'
import { checkSessions, createChecker } from '../../src/suppression/check-batches.ts'
import { createErasure } from '../../src/suppression/erased.ts'
import { type ApiKeyScope, addApiKey } from '../../src/tenant/api-key.ts'
import { findInboundDomain } from '../../src/tenant/inbound-domains.ts'
import { addTenant } from '../../src/tenant/tenants.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

export type Reply = { status: number; headers: Headers; text: string; json: unknown }

export type Door = {
  url: string
  port: number
  db: Database
  sql: TestDatabase['sql']
  target: TestDatabase['target']
  keyring: Keyring
  /** Takes mail that comes in beside it. */
  pipeline: Pipeline
  secret: string
  gate: Gate
  /** Of which all this is made, for a door beside it. */
  deps: AppDeps
  registry: Registry
  /** Every log line so far. */
  log: () => string
  logger: Logger
  /** The clock of the door; real time until a test sets it. */
  setNow: (now: Date | null) => void
  call: (method: string, path: string, options?: CallOptions) => Promise<Reply>
  addTenant: (options?: { scopes?: ApiKeyScope[] }) => Promise<{ tenantId: number; key: string }>
  seal: (content: Partial<SealedToken> & { tenantId: number }) => Promise<string>
  /** Takes the database away from under the door. */
  dropDatabase: () => Promise<void>
}

type CallOptions = {
  key?: string | null
  json?: unknown
  body?: string
  headers?: Record<string, string>
}

/** Only API keys, and no limits, unless the file is about them. */
type GateOptions = Partial<Pick<GateDeps, 'jwt' | 'redis' | 'rates'>>

const secret = 'a secret of the tests, long enough'

/** One door for a test file, on a free port, over a database of its own. */
export function useDoor(options: GateOptions = {}): Door {
  const door = {} as Door
  let close: () => Promise<void>
  beforeAll(async () => {
    close = await open(door, options)
  })
  afterAll(() => close())
  return door
}

async function open(door: Door, options: GateOptions): Promise<() => Promise<void>> {
  const test = await createTestDatabase()
  const db = createDatabase(test.target)
  const keyring = createKeyring(db, secret)
  const metrics = createMetrics()
  let lines = ''
  const logger = pino(
    { level: 'debug' },
    {
      write: (line: string) => {
        lines += line
      },
    },
  )
  let dropped = false
  let fixed: Date | null = null
  const now = () => fixed ?? new Date()
  const parser = createParser()
  const stages: PipelineDeps = {
    db,
    keyring,
    findDomain: (name) => db.run((sql) => findInboundDomain(sql, name)),
    parser,
    senders: { verify: async () => ({ result: 'undecided' }), close: async () => undefined },
    feedOf: () => 'other',
    erasure: createErasure(db, secret),
    rules: loadRules(rulesDirectory()),
    raw: 'undecided',
    log: logger,
    metrics,
    now,
  }
  const pipeline = createPipeline(stages)
  const closed = { jwt: null, redis: null, rates: { calls: 0, checks: 0 } }
  const gate = createGate({ ...closed, ...options, db, log: logger, now })
  const checks = createDatabase(test.target, checkSessions)
  const deps: AppDeps = {
    db,
    keyring,
    secret,
    gate,
    log: logger,
    trustProxy: [],
    publicUrl: 'https://feedback.example',
    version: '0.0.0',
    clicks: pipeline,
    checker: createChecker({ db: checks, now }),
    messages: {
      summarise,
      summaryBytes,
      release: (waiting, vouched) => release(stages, waiting, vouched),
      replay: (message, how) => replayOne(stages, message, how),
    },
    transfers: {
      importFile: (order, file) => importFile({ db, erasure: stages.erasure, now }, order, file),
      // Tests of what is worked off later start an importer of their own.
      wakeImporter: () => undefined,
      exportList: (...list) => exportList({ db, now }, ...list),
    },
    now,
  }
  const app = createHttpDoor(deps)
  const server = createHttpServer({ host: '127.0.0.1', port: 0, maxConnections: 1_000 }, app)
  const address = await server.listen()
  const url = `http://127.0.0.1:${address.port}`
  Object.assign(door, {
    url,
    port: address.port,
    db,
    sql: test.sql,
    target: test.target,
    keyring,
    pipeline,
    secret,
    gate,
    deps,
    registry: metrics.registry,
    log: () => lines,
    logger,
    setNow: (at: Date | null) => {
      fixed = at
    },
    call: (method: string, path: string, options?: CallOptions) =>
      call(url + path, method, options),
    addTenant: (options?: { scopes?: ApiKeyScope[] }) => addTestTenant(test.sql, options),
    seal: (content: Partial<SealedToken> & { tenantId: number }) => seal(keyring, content),
    dropDatabase: async () => {
      dropped = true
      await test.drop()
    },
  })
  return async () => {
    await server.close()
    await parser.close()
    await checks.close()
    await db.close()
    if (!dropped) await test.drop()
  }
}

async function call(
  url: string,
  method: string,
  { key, json, body, headers = {} }: CallOptions = {},
): Promise<Reply> {
  const response = await fetch(url, {
    method,
    redirect: 'manual',
    headers: {
      ...(key ? { authorization: `Bearer ${key}` } : {}),
      ...(json === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    ...(body === undefined ? {} : { body }),
  })
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.startsWith('application/json')
  return {
    status: response.status,
    headers: response.headers,
    text,
    json: isJson && text !== '' ? JSON.parse(text) : null,
  }
}

let tenants = 0

async function addTestTenant(
  sql: TestDatabase['sql'],
  { scopes = ['suppressions.read', 'suppressions.write'] }: { scopes?: ApiKeyScope[] } = {},
): Promise<{ tenantId: number; key: string }> {
  tenants++
  const { tenantId } = await addTenant(sql, `tenant ${tenants}`)
  await addSigningKey(sql, secret, tenantId)
  const key = await addApiKey(sql, { tenantId, name: 'test', scopes, expiresAt: null, key: null })
  return { tenantId, key }
}

async function seal(
  keyring: Keyring,
  content: Partial<SealedToken> & { tenantId: number },
): Promise<string> {
  const key = await keyring.newest(content.tenantId)
  if (!key) throw new Error('the tenant has no signing key')
  return sealToken(key, {
    purpose: 'unsubscribe',
    day: 20_000,
    groupId: null,
    groupsToDisplay: [],
    messageReference: null,
    recipient: 'jane@example.com',
    ...content,
  })
}
