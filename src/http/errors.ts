import { STATUS_CODES } from 'node:http'
import type { ErrorRequestHandler, Request } from 'express'
import { OverloadError } from '../db/limiter.ts'
import { DeadlineError } from '../db/sql.ts'
import { sqlState, storageFailure } from '../db/sqlstate.ts'
import type { Log } from '../log.ts'
import { requestIdOf } from './request-id.ts'

/** What is wrong with one value of a request, as the v3 API words it. */
export type Problem = {
  /** Where it stands, such as `['body', 'email']`. */
  loc: readonly (string | number)[]
  msg: string
  type: string
}

/** An answer of ours that is not a success. Its message is told to the client. */
export class ApiError extends Error {
  override name = 'ApiError'
  readonly statusCode: number
  readonly field: string | null

  constructor(statusCode: number, message: string, field: string | null = null) {
    super(message)
    this.statusCode = statusCode
    this.field = field
  }
}

/** The time is what is left until the next try may succeed. */
export class RetryLaterError extends ApiError {
  override name = 'RetryLaterError'
  readonly retryAfterSeconds: number

  constructor(statusCode: number, message: string, waitMs: number) {
    super(statusCode, message)
    this.retryAfterSeconds = Math.ceil(waitMs / 1_000)
  }
}

export class RateLimitError extends RetryLaterError {
  override name = 'RateLimitError'

  constructor(waitMs: number) {
    super(429, 'Rate limit exceeded', waitMs)
  }
}

/** A request whose path, query or body does not have the shape that the call asks for. */
export class ValidationError extends Error {
  override name = 'ValidationError'
  readonly problems: readonly Problem[]

  constructor(problems: readonly Problem[]) {
    super('The request is not valid')
    this.problems = problems
  }
}

export type Failure = { statusCode: number; message: string; field: string | null }

const outageRetrySeconds = 2

/** Answers whatever was thrown in the JSON shape of the v3 API. */
export function createErrorHandler(log: Log): ErrorRequestHandler {
  // Four parameters make it a handler of errors.
  return (error, request, response, _next) => {
    logFailure(log, request, failureOf(error), error)
    if (response.headersSent) {
      response.destroy()
      return
    }
    const { statusCode, headers, body } = failureAnswer(error)
    // Some have begun to answer with a file.
    response.status(statusCode).set(headers).type('json').json(body)
  }
}

/** What a client is told of whatever was thrown. */
export function failureAnswer(error: unknown): {
  statusCode: number
  headers: Record<string, string>
  body: object
} {
  const failure = failureOf(error)
  const { statusCode } = failure
  const retryAfter = retryAfterSeconds(error, failure)
  return {
    statusCode,
    headers: {
      ...(statusCode === 401 ? { 'WWW-Authenticate': 'Bearer' } : {}),
      ...(retryAfter === null ? {} : { 'Retry-After': String(retryAfter) }),
    },
    body: errorBody(error, failure),
  }
}

/** Tells what went wrong in words that are safe to show: no stack, no SQL, no driver's message. */
export function failureOf(error: unknown): Failure {
  if (error instanceof ApiError) return error
  if (error instanceof ValidationError) return failure(400, error.message)
  // Before the socket's codes: a body that was broken off has one too.
  const refused = requestFailure(error)
  if (refused !== null) return refused
  const state = sqlState(error)
  if (isConnectionError(error) || (state && storageFailure(error) === 'outage')) {
    return failure(503, 'Temporarily unavailable, try again')
  }
  if (state && storageFailure(error) === 'poison') return failure(400, 'A value cannot be stored')
  return failure(500, 'Internal error')
}

export function logFailure(log: Log, request: Request, failure: Failure, error: unknown): void {
  if (failure.statusCode < 500) return
  // The route and not the URL: that one holds addresses and tokens.
  const route: unknown = request.route?.path
  log.error(
    { err: error, requestId: requestIdOf(request), method: request.method, route },
    'request failed',
  )
}

function retryAfterSeconds(error: unknown, { statusCode }: Failure): number | null {
  if (error instanceof RetryLaterError) return error.retryAfterSeconds
  return statusCode === 503 ? outageRetrySeconds : null
}

function failure(statusCode: number, message: string): Failure {
  return { statusCode, message, field: null }
}

/** Without an SQLSTATE: the driver's own codes (CONNECTION_CLOSED) and the socket's (ECONNREFUSED). */
function isConnectionError(error: unknown): boolean {
  if (error instanceof DeadlineError || error instanceof OverloadError) return true
  if (!(error instanceof Error) || !('code' in error)) return false
  return typeof error.code === 'string' && /^(?:CONNECT[A-Z_]*|E[A-Z]+)$/.test(error.code)
}

/** What Express, its body reader and its files complain of carries a 4xx status. */
function requestFailure(error: unknown): Failure | null {
  if (!(error instanceof Error) || !('status' in error)) return null
  const { status } = error
  if (typeof status !== 'number' || status < 400 || status > 499) return null
  switch (status) {
    case 400:
      return failure(400, error instanceof URIError ? 'Malformed URL' : 'Malformed body')
    case 413:
      return failure(413, 'The body is too large')
    case 415:
      return failure(415, 'Unsupported content type, charset or encoding')
    default:
      return failure(status, STATUS_CODES[status] ?? 'Refused')
  }
}

function errorBody(error: unknown, { message, field }: Failure): object {
  if (!(error instanceof ValidationError)) {
    return { detail: message, errors: [{ message, field, help: null }] }
  }
  return {
    detail: error.problems,
    errors: error.problems.map(({ loc, msg }) => ({
      message: msg,
      field: loc.slice(1).join('.') || null,
      help: null,
    })),
  }
}
