import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Registry } from 'prom-client'
import type { Database } from '../db/sql.ts'
import type { Log } from '../log.ts'
import { createHttpServer, type HttpServer } from './server.ts'

type Deps = {
  db: Database
  registry: Registry
  /** Whether the daemon is on its way out and wants no more traffic. */
  isDraining: () => boolean
  log: Log
}

type Answer = { status: number; contentType: string; body: string }

const maxConnections = 100

/** For the operator's machines only: is it alive, is it ready, how much does it do. */
export function createAdminServer(
  { host, port }: { host: string; port: number },
  deps: Deps,
): HttpServer {
  return createHttpServer({ host, port, maxConnections }, (request, response) => {
    void answer(deps, request)
      .catch((error: unknown) => {
        deps.log.error({ err: error }, 'admin request failed')
        return json(500, { status: 'failed' })
      })
      .then((result) => send(request, response, result))
  })
}

async function answer(deps: Deps, { method, url }: IncomingMessage): Promise<Answer> {
  if (method !== 'GET' && method !== 'HEAD') return json(405, { status: 'method not allowed' })
  switch (url?.split('?', 1)[0]) {
    case '/healthz':
      return json(200, { status: 'ok' })
    case '/readyz':
      return readiness(deps)
    case '/metrics': {
      const { registry } = deps
      return { status: 200, contentType: registry.contentType, body: await registry.metrics() }
    }
    default:
      return json(404, { status: 'not found' })
  }
}

async function readiness({ db, isDraining, log }: Deps): Promise<Answer> {
  const database = await db
    .run((sql) => sql`select 1`)
    .then(() => 'ok' as const)
    .catch((error: unknown) => {
      log.warn({ err: error }, 'database does not answer')
      return 'failed' as const
    })
  const draining = isDraining()
  const ready = database === 'ok' && !draining
  const checks = { database, draining: draining ? 'yes' : 'no' }
  return json(ready ? 200 : 503, { status: ready ? 'ok' : 'unavailable', checks })
}

function json(status: number, body: object): Answer {
  return { status, contentType: 'application/json; charset=utf-8', body: JSON.stringify(body) }
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  { status, contentType, body }: Answer,
): void {
  response.writeHead(status, {
    'Content-Type': contentType,
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
  })
  response.end(request.method === 'HEAD' ? undefined : body)
}
