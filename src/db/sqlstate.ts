import { DeadlineError } from './sql.ts'

/**
 * What a failure to store means for the message that met it.
 * - `poison`: this value can never be stored; the sender's next try would fail the same way
 * - `duplicate`: these very rows are stored already
 * - `outage`: ours to mend; the sender tries again
 * - `defect`: an outage that waiting will not mend (our SQL is wrong, the database is damaged)
 */
export type StorageFailure = 'poison' | 'duplicate' | 'outage' | 'defect'

const poisonStates = /^(?:22...|23502|23514|54000)$/
const duplicateState = '23505'
const defectStates = /^(?:42|XX)...$/

/**
 * SQLSTATE by PostgreSQL, appendix A. Without one: a value that could not even be sent is poison, an
 * error with a code tells of the connection, and anything else is a fault of ours.
 */
export function storageFailure(error: unknown): StorageFailure {
  const state = sqlState(error)
  if (state === null) return failureOfOurSide(error)
  if (poisonStates.test(state)) return 'poison'
  if (state === duplicateState) return 'duplicate'
  return defectStates.test(state) ? 'defect' : 'outage'
}

/** The five characters, or `null` for an error that did not come from the server. */
export function sqlState(error: unknown): string | null {
  const code = codeOf(error)
  return code !== null && /^[0-9A-Z]{5}$/.test(code) && Object.hasOwn(error as object, 'severity')
    ? code
    : null
}

function failureOfOurSide(error: unknown): StorageFailure {
  if (error instanceof DeadlineError) return 'outage'
  const isOfValue = error instanceof RangeError || error instanceof TypeError
  if (isOfValue || codeOf(error) === 'UNDEFINED_VALUE') return 'poison'
  return codeOf(error) === null ? 'defect' : 'outage'
}

function codeOf(error: unknown): string | null {
  if (!(error instanceof Error) || !('code' in error)) return null
  return typeof error.code === 'string' ? error.code : null
}
