import { ZodObject, z } from 'zod'
import { mayBeRepeated, type Route } from './v3/route.ts'

type Header = { required?: true; description: string; schema: { type: 'string' | 'integer' } }
type Headers = Record<string, Header>

const fields = {
  'X-Request-Id': text('That of the request, else one of ours: it stands in our log'),
  'X-RateLimit-Limit': number('Calls in a window; absent where none are counted'),
  'X-RateLimit-Remaining': number('How many of these are left'),
  'X-RateLimit-Reset': number('When the next window begins, in unix seconds'),
  'Retry-After': number('Seconds until the next try may succeed'),
  'WWW-Authenticate': text('RFC 6750'),
  Link: text('`rel="next"`: the next page; absent on the last one'),
  'Content-Disposition': text('The name of the file'),
  'Idempotent-Replayed': text('`true`: this was answered before, and is not done again'),
  'X-Import-Errors': number('Rows with errors, also those that the body has no room for'),
  Location: text('Where to see how far the import is'),
  'Preference-Applied': text('RFC 7240'),
}

type Name = keyof typeof fields

const allowance: readonly Name[] = [
  'X-RateLimit-Limit',
  'X-RateLimit-Remaining',
  'X-RateLimit-Reset',
]

/** Fields of a request that mean something to this call. */
export function requestHeaders(route: Route): ZodObject {
  const { method, scope, takesCsv } = route
  const isAudited = method !== 'get' && scope !== 'suppressions.read' && scope !== 'feedback.tokens'
  return z.object({
    'X-Request-Id': z.string().max(100).optional().describe('Comes back, and stands in our log'),
    ...(isAudited && {
      'X-Audit-Reason': z.string().optional().describe('Why, for the audit trail; 500 characters'),
    }),
    ...(mayBeRepeated(route) && {
      'Idempotency-Key': z
        .string()
        .min(1)
        .max(255)
        .optional()
        .describe('The same request with the same key is done once in 24 hours'),
    }),
    ...(takesCsv && {
      Prefer: z.literal('respond-async').optional().describe('202: the file is worked off later'),
    }),
  })
}

export function successHeaders(route: Route, status: string): Headers {
  const { query, takesCsv, files = [] } = route
  const isPaged = query instanceof ZodObject && 'cursor' in query.shape
  const isQueued = status === '202'
  return {
    ...always('X-Request-Id'),
    ...sometimes(...allowance),
    ...(isPaged && sometimes('Link')),
    ...(files.length > 0 && always('Content-Disposition')),
    ...(mayBeRepeated(route) && sometimes('Idempotent-Replayed')),
    ...(takesCsv && !isQueued && always('X-Import-Errors')),
    ...(isQueued && always('Location', 'Preference-Applied')),
  }
}

export function failureHeaders(status: number): Headers {
  switch (status) {
    case 401:
      return always('X-Request-Id', 'WWW-Authenticate')
    case 408:
      // Written past the response, onto a connection that is being cut.
      return {}
    case 409:
      return { ...always('X-Request-Id'), ...sometimes('Retry-After', ...allowance) }
    case 429:
    case 503:
      return { ...always('X-Request-Id', 'Retry-After'), ...sometimes(...allowance) }
    default:
      return { ...always('X-Request-Id'), ...sometimes(...allowance) }
  }
}

function always(...names: Name[]): Headers {
  return Object.fromEntries(names.map((name) => [name, { required: true, ...fields[name] }]))
}

function sometimes(...names: Name[]): Headers {
  return Object.fromEntries(names.map((name) => [name, fields[name]]))
}

function text(description: string): Header {
  return { description, schema: { type: 'string' } }
}

function number(description: string): Header {
  return { description, schema: { type: 'integer' } }
}
