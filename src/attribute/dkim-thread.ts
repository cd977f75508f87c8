import { Worker } from 'node:worker_threads'

/** One signature to be verified. */
export type CheckRequest = {
  /** The signature, the fields that it signs, an empty line and the body. */
  message: Uint8Array<ArrayBuffer>
  /** The key record of the signature. */
  key: string
  /** Milliseconds since 1970 to which it must be in force. */
  at: number
}

export type DkimThread = {
  /**
   * `null`: it could not be found out in time, or nobody wanted to know any more when its turn
   * came. Never rejects.
   */
  check(request: CheckRequest, unwanted: AbortSignal): Promise<boolean | null>
  close(): Promise<void>
}

export type DkimThreadOptions = {
  /** For one message, when its turn has come. */
  deadlineMs: number
  /** More of them than this are not looked at. */
  maxWaiting: number
  startWorker: () => Worker
}

const heapMb = 64

export const dkimThreadDefaults: DkimThreadOptions = {
  deadlineMs: 3_000,
  maxWaiting: 30,
  startWorker: () => {
    // Node 20 runs no TypeScript: from the sources, the compiled thread is used.
    const file = import.meta.url.endsWith('.ts')
      ? new URL('../../dist/attribute/dkim-worker.js', import.meta.url)
      : new URL('./dkim-worker.js', import.meta.url)
    return new Worker(file, { resourceLimits: { maxOldGenerationSizeMb: heapMb } })
  },
}

/** Verifies one at a time. Starts its thread with the first, and again after one it cut off. */
export function createDkimThread({
  deadlineMs,
  maxWaiting,
  startWorker,
}: DkimThreadOptions): DkimThread {
  let worker: Worker | null = null
  let last: Promise<unknown> = Promise.resolve()
  let waiting = 0

  const stop = async () => {
    const stopped = worker
    worker = null
    await stopped?.terminate()
  }
  const start = (): Worker => {
    const started = startWorker()
    // Without a listener an error of the thread would end the process.
    started.on('error', () => undefined)
    started.unref()
    return started
  }
  const checkNow = async (request: CheckRequest): Promise<boolean | null> => {
    worker ??= start()
    const isPassed = await ask(worker, request, deadlineMs)
    if (isPassed === null) await stop()
    return isPassed
  }

  return {
    check(request, unwanted) {
      if (waiting >= maxWaiting) return Promise.resolve(null)
      waiting++
      const checking = last
        .then(() => (unwanted.aborted ? null : checkNow(request)))
        .catch(() => null)
        .finally(() => waiting--)
      last = checking
      return checking
    },
    async close() {
      await last
      await stop()
    },
  }
}

/** `null`: no answer within the deadline, or the thread died of it. */
function ask(worker: Worker, request: CheckRequest, deadlineMs: number): Promise<boolean | null> {
  return new Promise((resolve) => {
    const settle = (isPassed: boolean | null) => {
      clearTimeout(timer)
      worker.off('message', settle)
      worker.off('error', fail)
      worker.off('exit', fail)
      resolve(isPassed)
    }
    const fail = () => settle(null)
    const timer = setTimeout(fail, deadlineMs)
    worker.on('message', settle)
    worker.on('error', fail)
    worker.on('exit', fail)
    worker.postMessage(request, [request.message.buffer])
  })
}
