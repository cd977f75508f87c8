import type { EventEmitter } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** What a connection emits once the body on it may take as long as it goes on coming: see `route.ts`. */
export const uploadAdmitted = Symbol('upload admitted')

export type BodyDeadlines = {
  /** From now on the body of this request is waited for. */
  watch(request: IncomingMessage, response: ServerResponse): void
  close(): void
}

export type BodyLimits = {
  /** For the whole of a body, and for what is left of an upload that was answered. */
  requestMs: number
  /** How long an upload may pause. */
  idleMs: number
  /** What an upload must reach on the average, once it has taken `slowAfterMs`. */
  minBytesPerSecond: number
  slowAfterMs: number
}

export const bodyLimits: BodyLimits = {
  requestMs: 15_000,
  idleMs: 30_000,
  minBytesPerSecond: 1_000,
  slowAfterMs: 60_000,
}

type Watched = {
  request: IncomingMessage
  response: ServerResponse
  /** Until when all of it has to be there; of an upload `null`. */
  deadline: number | null
  /** Of the socket, when the upload was admitted and when it was looked at last. */
  firstByte: number
  lastByte: number
  /** How long we have waited for the client, and not the client for us. */
  waitedMs: number
  idleMs: number
}

const tickMs = 500

/**
 * Cuts off clients that send a body too slowly. Node knows one time for all requests; a file of a
 * gigabyte may take hours.
 */
export function createBodyDeadlines(limits: BodyLimits): BodyDeadlines {
  /** The last request of each connection. */
  const watched = new Map<Socket, Watched>()
  const timer = setInterval(() => {
    const now = performance.now()
    for (const one of watched.values()) if (isTooSlow(one, now)) cut(one)
  }, tickMs).unref()

  function isTooSlow(one: Watched, now: number): boolean {
    const { request, response } = one
    if (request.complete) return false
    if (one.deadline === null && response.writableEnded) one.deadline = now + limits.requestMs
    if (one.deadline !== null) return now > one.deadline
    const { bytesRead } = request.socket
    // What lies there unread is our slowness.
    if (request.readableLength > 0) return false
    one.waitedMs += tickMs
    one.idleMs = bytesRead > one.lastByte ? 0 : one.idleMs + tickMs
    one.lastByte = bytesRead
    const needed = (one.waitedMs / 1000) * limits.minBytesPerSecond
    const isSlow = one.waitedMs > limits.slowAfterMs && bytesRead - one.firstByte < needed
    return isSlow || one.idleMs > limits.idleMs
  }

  function listen(socket: Socket): void {
    const events: EventEmitter = socket
    events.once('close', () => watched.delete(socket))
    events.on(uploadAdmitted, () => {
      const one = watched.get(socket)
      if (one) one.deadline = null
    })
  }

  return {
    watch(request, response) {
      if (!hasBody(request)) return
      const { socket } = request
      const { bytesRead } = socket
      const one: Watched = {
        request,
        response,
        deadline: performance.now() + limits.requestMs,
        firstByte: bytesRead,
        lastByte: bytesRead,
        waitedMs: 0,
        idleMs: 0,
      }
      if (!watched.has(socket)) listen(socket)
      watched.set(socket, one)
    },
    close: () => clearInterval(timer),
  }
}

/** RFC 9112 section 6.3 */
function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

const message = 'The body did not arrive in time'
const body = JSON.stringify({ detail: message, errors: [{ message, field: null, help: null }] })
const refusal = [
  'HTTP/1.1 408 Request Timeout',
  'Content-Type: application/json; charset=utf-8',
  `Content-Length: ${body.length}`,
  'Cache-Control: no-store',
  'Connection: close',
  '',
  body,
].join('\r\n')

/**
 * Whoever is still waiting for an answer is told why there is none. Past the response, as Node does
 * it: whoever waits for the body would else not hear that no more is to come.
 */
function cut({ request: { socket }, response }: Watched): void {
  if (socket.writable && !response.headersSent) socket.write(refusal)
  socket.destroy()
}
