import {
  OpenAPIRegistry,
  OpenApiGeneratorV31,
  type ResponseConfig,
  type RouteConfig,
} from '@asteasolutions/zod-to-openapi'
import { type ZodObject, z } from 'zod'
import type { Route } from './v3/route.ts'

type Document = ReturnType<OpenApiGeneratorV31['generateDocument']>

const problem = z.strictObject({
  loc: z.array(z.union([z.string(), z.int()])).describe('Where it stands'),
  msg: z.string(),
  type: z.string(),
})

/** Whatever is no success, contract.md 1.0: `detail` as the v3 API has it, `errors` beside it. */
const errorShape = z
  .strictObject({
    detail: z.union([z.string(), z.array(problem)]),
    errors: z.array(
      z.strictObject({
        message: z.string(),
        field: z.string().nullable(),
        help: z.string().nullable(),
      }),
    ),
  })
  .meta({ id: 'Error' })

const failures = {
  400: 'The request is not valid; nothing was changed',
  401: 'No valid credential',
  403: 'The credential does not allow this, or the tenant is suspended',
  404: 'Not found',
  429: 'Rate limit exceeded; see Retry-After',
  500: 'Our fault',
  503: 'Temporarily unavailable; see Retry-After',
} as const

const bodyFailures = {
  408: 'The body did not arrive in time',
  409: 'A request with this Idempotency-Key is being worked on; see Retry-After',
  413: 'The body is too large',
  415: 'The body has another content type than this call takes',
} as const

/** The OpenAPI 3.1 document of these calls, from the very schemas by which they check. */
export function openApiDocument(routes: readonly Route[], version: string): Document {
  const registry = new OpenAPIRegistry()
  registry.registerComponent('securitySchemes', 'bearer', {
    type: 'http',
    scheme: 'bearer',
    description: 'An API key, or a JSON Web Token where the operator has set them up.',
  })
  for (const route of routes) registry.registerPath(pathOf(route))
  return new OpenApiGeneratorV31(registry.definitions).generateDocument({
    openapi: '3.1.0',
    info: {
      title: 'hearback',
      version,
      description: 'Suppression lists fed by bounces, feedback reports and unsubscribes.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
  })
}

function pathOf(route: Route): RouteConfig {
  const { method, path, tag, summary, scope, params, query } = route
  const request = {
    ...(params === undefined ? {} : { params: params as ZodObject }),
    ...(query === undefined ? {} : { query: query as ZodObject }),
    ...bodyOf(route),
  }
  return {
    method,
    path: `/v3${path.replace(/:(\w+)/g, '{$1}')}`,
    tags: [tag],
    summary,
    description: `Scope: \`${scope}\`.`,
    security: [{ bearer: [] }],
    request,
    responses: responsesOf(route),
  }
}

function bodyOf({ body, takesCsv }: Route): Pick<NonNullable<RouteConfig['request']>, 'body'> {
  if (takesCsv) {
    const content = { 'text/csv': { schema: z.string() } }
    return { body: { required: true, content } }
  }
  if (body === undefined) return {}
  return { body: { required: true, content: { 'application/json': { schema: body } } } }
}

function responsesOf({ responses, files = [], body, takesCsv }: Route): RouteConfig['responses'] {
  const successes = Object.entries(responses).map(([status, schema]): [string, ResponseConfig] => {
    if (!schema) return [status, { description: 'Done' }]
    return [status, { description: 'Success', content: { 'application/json': { schema } } }]
  })
  const file = Object.fromEntries(files.map((type) => [type, { schema: z.string() }]))
  if (files.length > 0) successes.push(['200', { description: 'The file', content: file }])
  const withBody = body !== undefined || takesCsv === true
  const all = { ...failures, ...(withBody ? bodyFailures : {}) }
  const error = { 'application/json': { schema: errorShape } }
  return Object.fromEntries([
    ...successes,
    ...Object.entries(all).map(([status, description]) => [
      status,
      { description, content: error },
    ]),
  ])
}
