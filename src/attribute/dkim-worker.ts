import { parentPort } from 'node:worker_threads'
import { dkimVerify } from 'mailauth/lib/dkim/verify.js'
import type { CheckRequest } from './dkim-thread.ts'

// Runs in a thread of its own, so that a message made to stall mailauth stalls nobody else.
parentPort?.on('message', (request: CheckRequest) => {
  passes(request).then(
    (isPassed) => parentPort?.postMessage(isPassed),
    () => parentPort?.postMessage(false),
  )
})

/** `message` has one signature, and `key` is its key: what is asked for, this is the answer. */
async function passes({ message, key, at }: CheckRequest): Promise<boolean> {
  const { results } = await dkimVerify(Buffer.from(message), {
    curTime: new Date(at),
    minBitLength: 1024,
    resolver: async () => [[key]],
  })
  return results.length === 1 && results[0]?.status.result === 'pass'
}
