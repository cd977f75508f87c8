import { Worker } from 'node:worker_threads'
import { htmlDeadlineMs, htmlHeapMb } from './limits.ts'

export type HtmlReader = {
  /** The text of a message that holds HTML alone; '' when it cannot be had in time. */
  read(raw: Buffer): Promise<string>
  close(): Promise<void>
}

/** Starts its thread with the first message, and again after one that had to be cut off. */
export function createHtmlReader(): HtmlReader {
  let worker: Worker | null = null
  let last: Promise<unknown> = Promise.resolve()

  const stop = async () => {
    const stopped = worker
    worker = null
    await stopped?.terminate()
  }
  const readNow = async (raw: Buffer): Promise<string> => {
    worker ??= startWorker()
    const text = await ask(worker, raw)
    if (text === null) await stop()
    return text ?? ''
  }

  return {
    read(raw) {
      const reading = last.then(() => readNow(raw))
      last = reading.catch(() => undefined)
      return reading
    },
    async close() {
      await last
      await stop()
    },
  }
}

/** `null`: no answer within the deadline, or the thread died of it. */
function ask(worker: Worker, raw: Buffer): Promise<string | null> {
  return new Promise((resolve) => {
    const settle = (text: string | null) => {
      clearTimeout(timer)
      worker.off('message', settle)
      worker.off('error', fail)
      worker.off('exit', fail)
      resolve(text)
    }
    const fail = () => settle(null)
    const timer = setTimeout(fail, htmlDeadlineMs)
    worker.on('message', settle)
    worker.on('error', fail)
    worker.on('exit', fail)
    worker.postMessage(new Uint8Array(raw))
  })
}

function startWorker(): Worker {
  // Node 20 runs no TypeScript: from the sources, the compiled thread is used.
  const file = import.meta.url.endsWith('.ts')
    ? new URL('../../dist/parse/html-worker.js', import.meta.url)
    : new URL('./html-worker.js', import.meta.url)
  const worker = new Worker(file, { resourceLimits: { maxOldGenerationSizeMb: htmlHeapMb } })
  // Without a listener an error of the thread would end the process.
  worker.on('error', () => undefined)
  worker.unref()
  return worker
}
