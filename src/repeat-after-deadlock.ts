import { sqlState } from './db/sqlstate.ts'

const maxTries = 5
/** PostgreSQL, appendix A: serialization_failure, deadlock_detected. */
const endedForAnother = ['40001', '40P01']

/** Does a transaction again that PostgreSQL ended to let another one through. */
export async function repeatAfterDeadlock<T>(transaction: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await transaction()
    } catch (error) {
      if (tries === maxTries || !endedForAnother.includes(sqlState(error) ?? '')) throw error
    }
  }
}
