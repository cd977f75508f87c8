/** Too much is asked at once. PostgreSQL has not heard of this work, which may be tried again. */
export class OverloadError extends Error {
  override name = 'OverloadError'
  readonly code = 'OVERLOAD'
}

export type Limits = {
  maxRunning: number
  maxWaiting: number
  /** How long a work waits for its turn, in milliseconds. */
  patienceMs: number
}

/** Runs what it is given, so much at once; the rest waits in order. Rejects with an OverloadError. */
export type Limiter = <T>(work: () => Promise<T>) => Promise<T>

export function createLimiter({ maxRunning, maxWaiting, patienceMs }: Limits): Limiter {
  let running = 0
  const waiting = new Set<() => void>()

  /** Whoever leaves hands his place to the one who has waited longest. */
  function leave(): void {
    const [next] = waiting
    if (next) next()
    else running--
  }

  function enter(): Promise<void> | null {
    if (running < maxRunning) {
      running++
      return null
    }
    if (waiting.size >= maxWaiting) throw new OverloadError('too many wait for PostgreSQL')
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        waiting.delete(go)
        reject(new OverloadError(`no connection to PostgreSQL came free in ${patienceMs} ms`))
      }, patienceMs)
      const go = (): void => {
        waiting.delete(go)
        clearTimeout(timer)
        resolve()
      }
      waiting.add(go)
    })
  }

  return async (work) => {
    await enter()
    try {
      return await work()
    } finally {
      leave()
    }
  }
}
