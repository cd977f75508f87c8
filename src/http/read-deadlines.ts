import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

export type ReadDeadlines = {
  /** From now on this is what the client is to read, or nothing. */
  watch(socket: Socket, response: ServerResponse | null): void
  forget(socket: Socket): void
  /** What each connection is being answered with; `null`: it is idle. */
  answering(): Iterable<[Socket, ServerResponse | null]>
  close(): void
}

type Watched = {
  response: ServerResponse | null
  /** Of the socket, when it was looked at last. */
  written: number
  stalledMs: number
}

/**
 * Cuts off clients that read nothing of an answer for so long. Nothing is set up for a single answer:
 * most are read at once. And what is kept is kept by connection: a set of answers would hold on to
 * thousands that are gone until the next full collection.
 */
export function createReadDeadlines(readTimeoutMs: number): ReadDeadlines {
  const connections = new Map<Socket, Watched>()
  const tickMs = Math.min(1_000, Math.ceil(readTimeoutMs / 5))
  const timer = setInterval(() => {
    for (const [socket, watched] of connections) {
      if (isStalled(socket, watched)) socket.destroy()
    }
  }, tickMs).unref()

  function isStalled({ bytesWritten, writableLength }: Socket, watched: Watched): boolean {
    const isMoving = bytesWritten !== watched.written || writableLength === 0
    watched.written = bytesWritten
    watched.stalledMs = isMoving ? 0 : watched.stalledMs + tickMs
    return watched.stalledMs >= readTimeoutMs
  }

  return {
    watch(socket, response) {
      const watched = connections.get(socket)
      if (watched) watched.response = response
      else connections.set(socket, { response, written: 0, stalledMs: 0 })
    },
    forget: (socket) => connections.delete(socket),
    *answering() {
      for (const [socket, { response }] of connections) yield [socket, response]
    },
    close: () => clearInterval(timer),
  }
}
