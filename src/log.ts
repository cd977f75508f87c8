import { destination, type Logger, pino } from 'pino'

export type Log = Logger

/** JSON lines on standard error, so that standard output is for results; `silent` logs nothing. */
export function createLog(level: string): Log {
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime }
  return pino(options, destination({ fd: 2, sync: true }))
}
