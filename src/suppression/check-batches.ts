import { OverloadError } from '../db/limiter.ts'
import type { Database } from '../db/sql.ts'
import { type Bypass, UnknownGroupError, type Verdict, verdictOf } from './check.ts'
import { type Answer, findHits, type Question } from './check-hits.ts'

export type Checker = {
  /**
   * The verdicts on the addresses of a question, in their order, as of the moment in which
   * PostgreSQL is asked. Rejects with an UnknownGroupError, an OverloadError or as the database does.
   */
  check(question: Question, bypass: Bypass): Promise<Verdict[]>
}

/** While PostgreSQL works on one statement, the next is on its way. */
const maxInFlight = 2

/**
 * For the pool of a checker. A plan made anew would cost as much as its work, and one that was made
 * while the table was small must not read all of it when it has grown.
 */
export const checkSessions = {
  maxConnections: maxInFlight,
  settings: { plan_cache_mode: 'force_generic_plan', enable_seqscan: 'off' },
} as const

type Waiting = {
  question: Question
  resolve: (answer: Answer) => void
  reject: (error: unknown) => void
}

/** Of one statement; a question alone may have more. */
const maxAddresses = 1_000
/** Half a second's work: whoever comes then is better told to come again. */
const maxWaitingAddresses = 50_000

/**
 * Answers checks in common, whoever asks: while one statement runs, questions collect; the next takes
 * them all. No timer: a question that comes alone goes at once.
 */
export function createChecker({ db, now }: { db: Database; now: () => Date }): Checker {
  let waiting: Waiting[] = []
  let waitingAddresses = 0
  let running = 0

  function ask(question: Question): Promise<Answer> {
    const { length } = question.addresses
    if (waitingAddresses + length > maxWaitingAddresses) {
      throw new OverloadError('too many addresses wait for their check')
    }
    waitingAddresses += length
    return new Promise((resolve, reject) => {
      waiting.push({ question, resolve, reject })
      // When all that has come in is read: what arrived together goes together.
      if (waiting.length === 1) setImmediate(fill)
    })
  }

  function fill(): void {
    while (running < maxInFlight && waiting.length > 0) {
      running++
      void settle(takeBatch()).finally(() => {
        running--
        fill()
      })
    }
  }

  function takeBatch(): Waiting[] {
    let addresses = 0
    const tooMany = waiting.findIndex(({ question }, index) => {
      addresses += question.addresses.length
      return addresses > maxAddresses && index > 0
    })
    return take(tooMany < 0 ? waiting.length : tooMany)
  }

  function take(count: number): Waiting[] {
    const taken = waiting.slice(0, count)
    waiting = waiting.slice(count)
    for (const { question } of taken) waitingAddresses -= question.addresses.length
    return taken
  }

  async function settle(batch: readonly Waiting[]): Promise<void> {
    const questions = batch.map(({ question }) => question)
    try {
      const answers = await db.run((sql) => findHits(sql, questions, now()))
      for (const [index, { resolve }] of batch.entries()) resolve(answers[index] ?? null)
    } catch (error) {
      // What waits would wait as long for the same answer.
      for (const { reject } of [...batch, ...take(waiting.length)]) reject(error)
    }
  }

  return {
    async check(question, bypass) {
      const answer = await ask(question)
      if (answer === null) throw new UnknownGroupError('The tenant has no such group')
      return answer.map((found) => verdictOf(found, bypass))
    },
  }
}
