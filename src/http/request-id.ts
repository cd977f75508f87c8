import { randomUUID } from 'node:crypto'
import type { Request, RequestHandler } from 'express'

const ids = new WeakMap<Request, string>()

/** Gives every response an X-Request-Id. */
export const tagRequest: RequestHandler = (request, response, next) => {
  const id = requestIdFor(request.get('x-request-id'))
  ids.set(request, id)
  response.set('X-Request-Id', id)
  next()
}

/** The client's own when it is harmless, else one of ours. */
export function requestIdFor(given: unknown): string {
  return typeof given === 'string' && /^[\w.:-]{1,100}$/.test(given) ? given : randomUUID()
}

export function requestIdOf(request: Request): string | null {
  return ids.get(request) ?? null
}
