import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import express, { type Request, type Response, type Router } from 'express'
import type { z } from 'zod'
import type { Database } from '../../db/sql.ts'
import type { ChangedBy } from '../../feedback/actor.ts'
import type { Erasure } from '../../suppression/erased.ts'
import type { ApiKeyScope } from '../../tenant/api-key.ts'
import { uploadAdmitted } from '../body-deadlines.ts'
import { underStoredNames } from '../erased.ts'
import { ApiError } from '../errors.ts'
import type { Gate } from '../gate.ts'
import type { AnswerOnce } from '../idempotency.ts'
import { requestIdOf } from '../request-id.ts'
import { validate } from '../validate.ts'

/** What a call works with besides what the client sent; the tenant is that of the credential. */
export type Caller = {
  db: Database
  tenantId: number
  by: ChangedBy
  scopes: readonly ApiKeyScope[]
  erasure: Erasure
  now: Date
}

type SuccessStatus = 200 | 201 | 202

export type Answer<R = unknown> =
  | { status: SuccessStatus; body: R; headers?: Readonly<Record<string, string>> }
  | { status: 204; headers?: Readonly<Record<string, string>> }
  /** A file of any length, sent as it is made. */
  | { status: 200; contentType: string; fileName: string; chunks: AsyncIterable<string | Buffer> }

/** What a call is and takes, for the router and for the OpenAPI document alike. */
export type RouteShape<P, Q, B, R> = {
  method: 'get' | 'post' | 'patch' | 'delete'
  /** Below /v3, in the notation of Express. */
  path: string
  scope: ApiKeyScope
  /** Checks have a limit of their own; rare calls also one of ten a minute for a tenant. */
  limit?: 'checks' | 'rare'
  /** Heading in the documentation. */
  tag: string
  /** One line of documentation. */
  summary: string
  params?: z.ZodType<P>
  query?: z.ZodType<Q>
  /** Of a JSON body. */
  body?: z.ZodType<B>
  /** The body is a CSV file and comes as `upload`. */
  takesCsv?: true
  /** Bodies of the successful answers by status; `null`: none. */
  responses: Partial<Record<SuccessStatus, z.ZodType<R>>> & { 204?: null }
  /** Content types that an answer of `chunks` may have. */
  files?: readonly string[]
}

export type Call<P, Q, B> = Caller & {
  params: P
  query: Q
  body: B
  /** The query as it was said: people who were erased have another name in `query`. */
  saidQuery: Q
  /** The body as it comes, of calls that take CSV. */
  upload: AsyncIterable<Buffer>
  /** The value of a header field, `null` when absent. */
  header: (name: string) => string | null
}

/** One call of the API, ready to be mounted. */
export type Route = Omit<RouteShape<unknown, unknown, unknown, unknown>, never> & {
  answer: (caller: Caller, request: Request, body: unknown) => Promise<Answer>
}

/** Ties a call to the shapes of its request: `handle` sees nothing that was not checked. */
export function route<P, Q, B, R>(
  shape: RouteShape<P, Q, B, R>,
  handle: (call: Call<P, Q, B>) => Promise<Answer<R>>,
): Route {
  return {
    ...shape,
    answer: (caller, request, body) => {
      const said = validate(shape, { params: request.params, query: request.query, body })
      const work = (stored: typeof said): Promise<Answer> =>
        handle({
          ...caller,
          ...stored,
          saidQuery: said.query,
          // Whoever stops reading answers all the same, on the socket that the file comes by.
          upload: request.iterator({ destroyOnReturn: false }),
          header: (name) => request.get(name) ?? null,
        })
      // Tokens go into mail: they are about whoever gets it.
      if (shape.scope === 'feedback.tokens') return work(said)
      return underStoredNames(caller.erasure, caller.tenantId, said, work)
    },
  }
}

export type MountDeps = {
  db: Database
  erasure: Erasure
  gate: Gate
  answerOnce: AnswerOnce
  now: () => Date
}

/** Mounts a call: who asks, what they ask, the answer. Strangers' bodies are never read. */
export function mount(
  router: Router,
  { db, erasure, gate, answerOnce, now }: MountDeps,
  { answer, ...shape }: Route,
): void {
  const { method, path } = shape
  router[method](path, async (request, response) => {
    const credential = await gate.admit(request, response, shape)
    if (shape.takesCsv) {
      demandContentType(request, csvType, 'text/csv')
      request.socket.emit(uploadAdmitted)
    }
    const { body, bytes } = shape.body === undefined ? noBody : await readJson(request, response)
    const { tenantId, actor, scopes } = credential
    const by = { actor, reason: auditReason(request), requestId: requestIdOf(request) }
    const work = () => answer({ db, tenantId, by, scopes, erasure, now: now() }, request, body)
    const key = mayBeRepeated(shape) ? request.get('idempotency-key') : undefined
    const repeatable = { credential, method, path: request.originalUrl, body: bytes }
    const answered = key === undefined ? work() : answerOnce({ ...repeatable, key }, work)
    await send(response, await answered)
  })
}

/** Calls that take an Idempotency-Key: the second of them does something else than the first. */
export function mayBeRepeated({ method, body, limit }: Omit<Route, 'answer'>): boolean {
  return method === 'post' && body !== undefined && limit !== 'checks'
}

async function send(response: Response, answer: Answer): Promise<void> {
  if ('chunks' in answer) {
    const { contentType, fileName, chunks } = answer
    // In this order: the name of the file would decide the type.
    response.attachment(fileName).type(contentType)
    await pipeline(Readable.from(chunks), response).catch(unlessLeft)
    return
  }
  response.status(answer.status).set(answer.headers ?? {})
  if (answer.status === 204) response.end()
  else response.json(answer.body)
}

const leftCodes = new Set<unknown>(['ERR_STREAM_PREMATURE_CLOSE', 'ERR_STREAM_UNABLE_TO_PIPE'])

/** Whoever leaves before the end of a file wants no more of it. */
function unlessLeft(error: unknown): void {
  const isLeft = error instanceof Error && 'code' in error && leftCodes.has(error.code)
  if (!isLeft) throw error
}

const maxReason = 500

/** Why somebody changes something, for the audit trail. */
function auditReason(request: Request): string | null {
  const text = request.get('x-audit-reason')?.trim() ?? ''
  return text === '' ? null : text.slice(0, maxReason).toWellFormed()
}

type JsonBody = { body: unknown; bytes: Buffer }

const noBody: JsonBody = { body: undefined, bytes: Buffer.alloc(0) }
const received = new WeakMap<IncomingMessage, Buffer>()
const parseJson = express.json({
  limit: '1mb',
  inflate: false,
  type: () => true,
  verify: (request, _response, bytes) => received.set(request, bytes),
})
const jsonType = /^application\/(?:[\w.-]+\+)?json *(?:;|$)/i
const csvType = /^(?:text\/csv|application\/csv|text\/plain) *(?:;|$)/i

/** The body is `undefined` when there is none. A missing content type is taken for JSON. */
async function readJson(request: Request, response: Response): Promise<JsonBody> {
  demandContentType(request, jsonType, 'application/json')
  await new Promise<void>((resolve, reject) => {
    parseJson(request, response, (error?: unknown) => (error ? reject(error) : resolve()))
  })
  return { body: request.body, bytes: received.get(request) ?? noBody.bytes }
}

function demandContentType(request: Request, accepted: RegExp, name: string): void {
  const contentType = request.get('content-type')
  if (contentType === undefined || accepted.test(contentType)) return
  throw new ApiError(415, `The body must be sent as Content-Type: ${name}`)
}
