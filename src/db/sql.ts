import postgres from 'postgres'
import { arrayTypes } from './array-types.ts'
import { createLimiter } from './limiter.ts'

/** A pool or a transaction: functions that take it do not know which. */
export type Sql = postgres.ISql

/** Where PostgreSQL is: a URL, or a socket directory and a port. */
export type ConnectionTarget =
  | { url: string }
  | { host: string; port: number; database: string; user: string }

/**
 * All access to PostgreSQL, under one deadline that begins when a connection is free. Works must not
 * ask for others while they run: these would wait behind them.
 */
export type Database = {
  /** Single statements. Rejects with the driver's error, a DeadlineError or an OverloadError. */
  run<T>(work: (sql: Sql) => Promise<T>): Promise<T>
  /** One transaction: committed when this resolves, rolled back or unknown when it rejects. */
  transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T>
  close(): Promise<void>
}

/** Configuration parameters of PostgreSQL for the sessions of one pool. */
export type Settings = Readonly<Record<string, string>>

/** PostgreSQL said nothing for too long; whether it did what was asked is unknown. */
export class DeadlineError extends Error {
  override name = 'DeadlineError'
}

const deadlineMs = 5_000
/** Below the deadline: a slow statement ends alone, and only a frozen server costs the pool. */
const statementTimeoutMs = 4_500
/** Until a busy pool counts as an overload; mail clients and mail programs come again. */
const patienceMs = 2_000
/** For works beside the one that was frozen or cut: theirs may be a healthy connection. */
const graceSeconds = 1

/**
 * Opens a pool. The driver waits for ever on a connection whose peer has stopped answering and
 * cannot drop just that one, so past the deadline the whole pool is replaced. No work waits inside
 * the driver, where it could not be told from one whose connection is frozen.
 */
export function createDatabase(
  target: ConnectionTarget,
  {
    maxConnections = 10,
    maxWaiting = 1_000,
    settings = {},
  }: { maxConnections?: number; maxWaiting?: number; settings?: Settings } = {},
): Database {
  const limited = createLimiter({ maxRunning: maxConnections, maxWaiting, patienceMs })
  let pool = connect(target, { maxConnections, settings })
  function replace(current: postgres.Sql): void {
    if (pool !== current) return
    pool = connect(target, { maxConnections, settings })
    void current.end({ timeout: graceSeconds }).catch(() => undefined)
  }
  async function underDeadline<T>(work: (current: postgres.Sql) => Promise<T>): Promise<T> {
    const current = pool
    let timer: NodeJS.Timeout | undefined
    const deadline = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        replace(current)
        reject(new DeadlineError(`PostgreSQL did not answer within ${deadlineMs} ms`))
      }, deadlineMs)
    })
    try {
      return await Promise.race([work(current), deadline])
    } catch (error) {
      // The driver may never write again on a connection that was cut while it was about to.
      if (isCut(error)) replace(current)
      throw error
    } finally {
      clearTimeout(timer)
    }
  }
  return {
    run: (work) => limited(() => underDeadline(work)),
    async transaction(work) {
      const begun = letGo(work)
      const { value } = await limited(() =>
        underDeadline((current) =>
          current.begin(async (sql) => ({ value: await begun(sql).catch(unlessCut) })),
        ),
      )
      return value
    },
    close: () => pool.end({ timeout: 5 }),
  }
}

/**
 * The same work, forgotten once it has begun: the driver keeps what the last transaction of each
 * connection was made of, and so whatever the work holds.
 */
function letGo<T>(work: (sql: Sql) => Promise<T>): (sql: Sql) => Promise<T> {
  let held: typeof work | null = work
  return async (sql) => {
    const begun = held
    held = null
    if (begun === null) throw new Error('a transaction runs once')
    return begun(sql)
  }
}

/**
 * After any error the driver sends a rollback, also into a socket that is gone; that throws where
 * nobody can catch it and ends the process. As `begin` itself rejects when its connection closes,
 * such an error is kept back for ever.
 */
function unlessCut(error: unknown): Promise<never> {
  return isCut(error) ? new Promise(() => {}) : Promise.reject(error)
}

function isCut(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return /^(?:CONNECTION_(?:CLOSED|DESTROYED)|ECONNRESET|EPIPE)$/.test(code)
}

/** A bare pool, for work that has its own deadline or none: migrations, COPY, LISTEN. */
export function connect(
  target: ConnectionTarget,
  { maxConnections, settings = {} }: { maxConnections: number; settings?: Settings },
): postgres.Sql {
  const options: postgres.Options<typeof arrayTypes> = {
    max: maxConnections,
    connect_timeout: 5,
    backoff: (attempt) => Math.min(2, 0.05 * 2 ** attempt),
    onnotice: () => undefined,
    fetch_types: false,
    types: arrayTypes,
    transform: { ...postgres.camel, undefined: null },
    connection: {
      application_name: 'hearback',
      // Ours whatever the server's default: an acknowledged report must survive a power cut.
      synchronous_commit: 'on',
      statement_timeout: statementTimeoutMs,
      idle_in_transaction_session_timeout: 2 * deadlineMs,
      ...settings,
    },
  }
  if ('url' in target) return postgres(target.url, options)
  return postgres({ ...options, ...target })
}

/** Rows or any other value as one jsonb parameter; dates become ISO 8601 texts. */
export function jsonb(sql: Sql, value: unknown): postgres.Parameter {
  return sql.json(value as postgres.JSONValue)
}

/** `false` when a crash of the server's machine could lose what it has confirmed. */
export async function isDurable(sql: Sql): Promise<boolean> {
  const [row] = await sql<{ fsync: string }[]>`select current_setting('fsync') as fsync`
  return row?.fsync === 'on'
}
