import { destination, type Logger, pino } from 'pino'

export type Log = Logger

/** JSON lines on standard error, so that standard output is for results; `silent` logs nothing. */
export function createLog(level: string): Log {
  const timestamp = pino.stdTimeFunctions.isoTime
  const options = { level, base: null, timestamp, serializers: { err: describeError } }
  return pino(options, standardError())
}

/**
 * Mail goes before its log: a full disk must not end the daemon, nor a full pipe hold it up. What
 * cannot be written waits for the next line, up to 1 MiB; what comes then is lost.
 */
function standardError() {
  const stream = destination({
    fd: 2,
    sync: true,
    maxLength: 1024 * 1024,
    retryEAGAIN: () => false,
  })
  stream.on('error', () => undefined)
  return stream
}

/** PostgreSQL quotes whole rows in its errors (`detail`, `where`): nobody's address shall stand here. */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return withoutAddresses(String(error))
  const known: Record<string, unknown> = pino.stdSerializers.err(error)
  const names = ['type', 'message', 'stack', 'code', 'table_name', 'constraint_name', 'routine']
  return Object.fromEntries(names.map((name) => [name, withoutAddresses(known[name])]))
}

function withoutAddresses(value: unknown): unknown {
  return typeof value === 'string' ? value.replaceAll(/[^\s"'<>(),=/]+@[^\s"'<>(),]+/g, '…') : value
}
