import express, { type Request, type Response, type Router } from 'express'
import type { Database } from '../../db/sql.ts'
import type { ApiKeyScope } from '../../tenant/api-key.ts'
import type { Authenticate } from '../authenticate.ts'
import { ApiError } from '../errors.ts'
import { type RequestSchemas, validate } from '../validate.ts'

/** What a call works with besides what the client sent; the tenant is that of the credential. */
export type Caller = { db: Database; tenantId: number; now: Date }

export type Answer = { status: 200 | 201; body: object } | { status: 204 }

/** One call of the API, ready to be mounted. */
export type Route = {
  method: 'get' | 'post' | 'delete'
  path: string
  scope: ApiKeyScope
  hasBody: boolean
  answer: (caller: Caller, request: Request, body: unknown) => Promise<Answer>
}

/** Ties a call to the shapes of its request: `handle` sees nothing that was not checked. */
export function route<P, Q, B>(
  method: Route['method'],
  path: string,
  scope: ApiKeyScope,
  schemas: RequestSchemas<P, Q, B>,
  handle: (call: Caller & { params: P; query: Q; body: B }) => Promise<Answer>,
): Route {
  return {
    method,
    path,
    scope,
    hasBody: schemas.body !== undefined,
    answer: (caller, { params, query }, body) =>
      handle({ ...caller, ...validate(schemas, { params, query, body }) }),
  }
}

/** Mounts a call: who asks, what they ask, the answer. Strangers' bodies are never read. */
export function mount(
  router: Router,
  { db, authenticate, now }: { db: Database; authenticate: Authenticate; now: () => Date },
  { method, path, scope, hasBody, answer }: Route,
): void {
  router[method](path, async (request, response) => {
    const authorization = request.get('authorization')
    const tenantId = await authenticate({ authorization, remoteAddress: request.ip ?? '' }, scope)
    const body = hasBody ? await readJson(request, response) : undefined
    const result = await answer({ db, tenantId, now: now() }, request, body)
    if (result.status === 204) response.status(204).end()
    else response.status(result.status).json(result.body)
  })
}

const parseJson = express.json({ limit: '1mb', inflate: false, type: () => true })

/** The body as JSON; `undefined` when there is none. A missing content type is taken for JSON. */
async function readJson(request: Request, response: Response): Promise<unknown> {
  const contentType = request.get('content-type') ?? 'application/json'
  if (!/^application\/(?:[\w.-]+\+)?json *(?:;|$)/i.test(contentType)) {
    throw new ApiError(415, 'The body must be sent as Content-Type: application/json')
  }
  await new Promise<void>((resolve, reject) => {
    parseJson(request, response, (error?: unknown) => (error ? reject(error) : resolve()))
  })
  return request.body
}
