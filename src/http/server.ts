import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type BodyLimits, bodyLimits, createBodyDeadlines } from './body-deadlines.ts'
import { oneAtATime } from './one-at-a-time.ts'
import { createReadDeadlines } from './read-deadlines.ts'

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
  const sending = createBodyDeadlines(bodies)
  const reading = createReadDeadlines(readTimeoutMs)
  let draining = false
  server.on('connection', (socket) => {
    reading.watch(socket, null)
    socket.once('close', () => reading.forget(socket))
  })
  const serve: RequestListener = (request, response) => {
    const { socket } = request
    reading.watch(socket, response)
    sending.watch(request, response)
    if (draining) response.setHeader('Connection', 'close')
    response.once('close', () => {
      // Whatever is left of a body that was refused has to go by before the next request.
      if (!request.complete) request.resume()
      if (draining) socket.destroySoon()
      else if (!socket.destroyed) reading.watch(socket, null)
    })
    listener(request, response)
  }
  server.on('request', oneAtATime(serve))

  function closeDeadlines(): void {
    sending.close()
    reading.close()
  }

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
        closeDeadlines()
        return
      }
      const closed = once(server, 'close')
      server.close()
      // Node's own closeIdleConnections leaves out those that have never sent anything.
      for (const [socket, response] of reading.answering()) {
        if (response === null) socket.destroy()
        else if (!response.headersSent) response.setHeader('Connection', 'close')
      }
      const timer = setTimeout(() => server.closeAllConnections(), drainTimeoutMs)
      await closed
      clearTimeout(timer)
      closeDeadlines()
    },
  }
}
