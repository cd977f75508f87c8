import type { Request, RequestHandler } from 'express'
import { uuidv7 } from 'uuidv7'

const ids = new WeakMap<Request, string>()

/** Gives every response an X-Request-Id: the client's own when it is harmless, else ours. */
export const tagRequest: RequestHandler = (request, response, next) => {
  const given = request.get('x-request-id')
  const id = given !== undefined && /^[\w.:-]{1,100}$/.test(given) ? given : uuidv7()
  ids.set(request, id)
  response.set('X-Request-Id', id)
  next()
}

export function requestIdOf(request: Request): string | null {
  return ids.get(request) ?? null
}
