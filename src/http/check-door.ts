import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Log } from '../log.ts'
import type { Checker } from '../suppression/check-batches.ts'
import type { Erasure } from '../suppression/erased.ts'
import type { Credential } from './credential.ts'
import { underStoredNames } from './erased.ts'
import { ApiError, failureAnswer, RateLimitError } from './errors.ts'
import { fixedHeaders } from './fixed-headers.ts'
import type { Gate } from './gate.ts'
import { type RateLimiter, rateLimitHeaders } from './rate-limit.ts'
import { requestIdFor } from './request-id.ts'
import { answerCheck, checkBody, checkPath } from './v3/check.ts'
import { validate } from './validate.ts'

export type CheckDoorDeps = { gate: Gate; checker: Checker; erasure: Erasure; log: Log }

const url = `/v3${checkPath}`
const jsonType = /^application\/json(?:; *charset=utf-8)?$/i
const scope = 'suppressions.read'
/** As for every other call. */
const maxBodyBytes = 1_048_576

/**
 * Checks are asked for before every mail, and Express would be most of their cost: here the plain
 * ones are answered in front of it. Which they are is told by their header alone; all others, and
 * those of a credential that is not known to be good, go on untouched. What is answered here is
 * what Express would have answered.
 */
export function createCheckDoor(
  { gate, checker, erasure, log }: CheckDoorDeps,
  app: RequestListener,
): RequestListener {
  return (request, response) => {
    const credential = isPlainCheck(request) ? knownCredential(gate, request) : null
    if (credential === null) app(request, response)
    else void answer(request, response, credential)
  }

  async function answer(
    request: IncomingMessage,
    response: ServerResponse,
    credential: Credential,
  ): Promise<void> {
    const requestId = requestIdFor(request.headers['x-request-id'])
    const fields = ['X-Request-Id', requestId]
    try {
      if (gate.countCheck !== null) await count(gate.countCheck, credential, fields)
      const bytes = await readBody(request)
      if (bytes === null) return
      const asked = { params: undefined, query: undefined, body: jsonOf(bytes) }
      const { body } = validate({ body: checkBody }, asked)
      const { tenantId } = credential
      const check = (stored: typeof body) => answerCheck(checker, tenantId, stored)
      send(response, 200, fields, await underStoredNames(erasure, tenantId, body, check))
    } catch (error) {
      const { statusCode, headers, body } = failureAnswer(error)
      if (statusCode >= 500) {
        const { method } = request
        log.error({ err: error, requestId, method, route: checkPath }, 'request failed')
      }
      if (response.headersSent) response.destroy()
      else send(response, statusCode, [...fields, ...Object.entries(headers).flat()], body)
    }
  }
}

async function count(
  limiter: RateLimiter,
  { countedAs }: Credential,
  fields: string[],
): Promise<void> {
  const allowance = await limiter(countedAs)
  fields.push(...Object.entries(rateLimitHeaders(allowance)).flat())
  if (allowance.waitMs > 0) throw new RateLimitError(allowance.waitMs)
}

function isPlainCheck({ method, url: asked, headers }: IncomingMessage): boolean {
  return (
    asked === url &&
    method === 'POST' &&
    jsonType.test(headers['content-type'] ?? '') &&
    headers['content-encoding'] === undefined &&
    // Absent when the body comes in chunks.
    Number(headers['content-length']) > 0 &&
    Number(headers['content-length']) <= maxBodyBytes
  )
}

function knownCredential(gate: Gate, { headers }: IncomingMessage): Credential | null {
  const credential = gate.remembered(headers.authorization ?? '')
  const isGood = credential?.isTenantSuspended === false && credential.scopes.includes(scope)
  return isGood ? credential : null
}

/** `null`: the client left before the end. */
function readBody(request: IncomingMessage): Promise<Buffer | null> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.once('end', () => resolve(Buffer.concat(chunks)))
    request.once('close', () => resolve(null))
  })
}

/** As Express reads it: a byte order mark is no part of it, and a bare value is no body. */
function jsonOf(bytes: Buffer): unknown {
  const text = bytes.toString()
  const value = parsed(text.startsWith('\uFEFF') ? text.slice(1) : text)
  if (typeof value === 'object' && value !== null) return value
  throw new ApiError(400, 'Malformed body')
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

const fixedFields = [
  ...Object.entries(fixedHeaders).flat(),
  'Content-Type',
  'application/json; charset=utf-8',
]

/** Fields are names and values in turn: Node has less work with them than with an object. */
function send(
  response: ServerResponse,
  status: number,
  fields: readonly string[],
  body: unknown,
): void {
  const text = JSON.stringify(body)
  const length = String(Buffer.byteLength(text))
  response.writeHead(status, [...fixedFields, ...fields, 'Content-Length', length])
  response.end(text)
}
