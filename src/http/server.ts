import { once } from 'node:events'
import { createServer, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { type BodyLimits, bodyLimits, createBodyDeadlines } from './body-deadlines.ts'
import { oneAtATime } from './one-at-a-time.ts'

export type HttpServer = {
  /** Resolves with the address that is listened on; rejects when it is taken. */
  listen(): Promise<AddressInfo>
  /** Takes no new requests and resolves when those under way are answered, after 6 s at the latest. */
  close(): Promise<void>
}

export type HttpServerOptions = {
  host: string
  /** 0: any free one. */
  port: number
  maxConnections: number
  /** How long a client may take to read an answer, or to read on in a file. */
  readTimeoutMs?: number
  /** How long it may take to send a body. */
  bodies?: BodyLimits
}

const headersTimeoutMs = 10_000
/** Longer than proxies hold idle connections, or they send into one that is just being closed. */
const keepAliveTimeoutMs = 65_000
const drainTimeoutMs = 6_000
/** Few enough to spread clients over processes, enough for the cost of connecting to vanish. */
const maxRequestsPerSocket = 10_000

export function createHttpServer(
  { host, port, maxConnections, readTimeoutMs = 60_000, bodies = bodyLimits }: HttpServerOptions,
  listener: RequestListener,
): HttpServer {
  const server = createServer({
    headersTimeout: headersTimeoutMs,
    // That of bodies is ours: it depends on the call.
    requestTimeout: 0,
    keepAliveTimeout: keepAliveTimeoutMs,
    connectionsCheckingInterval: 1_000,
  })
  server.maxConnections = maxConnections
  server.maxRequestsPerSocket = maxRequestsPerSocket
  // Node's own closeIdleConnections leaves out those that have never sent anything. Keyed by what
  // lives long: a set of responses would keep thousands that are gone until the next full collection.
  const answering = new Map<Socket, ServerResponse | null>()
  const deadlines = createBodyDeadlines(bodies)
  let draining = false
  server.on('connection', (socket) => {
    answering.set(socket, null)
    socket.once('close', () => answering.delete(socket))
  })
  const serve: RequestListener = (request, response) => {
    const { socket } = request
    answering.set(socket, response)
    deadlines.watch(request, response)
    if (draining) response.setHeader('Connection', 'close')
    // A file goes on as long as it is read; Node counts from whatever went out last.
    if (socket.timeout) socket.setTimeout(0)
    response.once('pipe', () => response.setTimeout(readTimeoutMs, () => socket.destroy()))
    let unread: NodeJS.Timeout | undefined
    response.once('prefinish', () => {
      if (!socket.destroyed) unread = setTimeout(() => socket.destroy(), readTimeoutMs)
    })
    response.once('close', () => {
      clearTimeout(unread)
      // Whatever is left of a body that was refused has to go by before the next request.
      if (!request.complete) request.resume()
      if (draining) socket.destroySoon()
      else if (!socket.destroyed) answering.set(socket, null)
    })
    listener(request, response)
  }
  server.on('request', oneAtATime(serve))

  return {
    async listen() {
      server.listen(port, host)
      await once(server, 'listening')
      // Out of file descriptors: that client comes again, the door stays open.
      server.on('error', () => undefined)
      const address = server.address()
      if (address === null || typeof address === 'string') throw new Error('not a TCP socket')
      return address
    },
    async close() {
      draining = true
      if (!server.listening) {
        deadlines.close()
        return
      }
      const closed = once(server, 'close')
      server.close()
      for (const [socket, response] of answering) {
        if (response === null) socket.destroy()
        else if (!response.headersSent) response.setHeader('Connection', 'close')
      }
      const timer = setTimeout(() => server.closeAllConnections(), drainTimeoutMs)
      await closed
      clearTimeout(timer)
      deadlines.close()
    },
  }
}
