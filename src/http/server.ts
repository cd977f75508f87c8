import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'

export type HttpServer = {
  /** Resolves with the address that is listened on; rejects when it is taken. */
  listen(): Promise<AddressInfo>
  /** Takes no new requests and resolves when those under way are answered, after 10 s at the latest. */
  close(): Promise<void>
}

export type HttpServerOptions = {
  host: string
  /** 0: any free one. */
  port: number
  maxConnections: number
}

const headersTimeoutMs = 10_000
const requestTimeoutMs = 15_000
/** Longer than proxies hold idle connections, or they send into one that is just being closed. */
const keepAliveTimeoutMs = 65_000
const drainTimeoutMs = 10_000

export function createHttpServer(
  { host, port, maxConnections }: HttpServerOptions,
  listener: RequestListener,
): HttpServer {
  const server = createServer({
    headersTimeout: headersTimeoutMs,
    requestTimeout: requestTimeoutMs,
    keepAliveTimeout: keepAliveTimeoutMs,
    connectionsCheckingInterval: 1_000,
  })
  server.maxConnections = maxConnections
  let draining = false
  server.on('request', (_request, response) => {
    if (draining) response.setHeader('Connection', 'close')
    response.once('close', () => {
      if (draining) server.closeIdleConnections()
    })
  })
  server.on('request', listener)

  return {
    async listen() {
      server.listen(port, host)
      await once(server, 'listening')
      const address = server.address()
      if (address === null || typeof address === 'string') throw new Error('not a TCP socket')
      return address
    },
    async close() {
      draining = true
      if (!server.listening) return
      const closed = once(server, 'close')
      server.close()
      const timer = setTimeout(() => server.closeAllConnections(), drainTimeoutMs)
      await closed
      clearTimeout(timer)
    },
  }
}
