import { STATUS_CODES } from 'node:http'
import {
  OpenAPIRegistry,
  OpenApiGeneratorV31,
  type ResponseConfig,
  type RouteConfig,
} from '@asteasolutions/zod-to-openapi'
import { type ZodObject, z } from 'zod'
import { failureHeaders, requestHeaders, successHeaders } from './openapi-headers.ts'
import { mayBeRepeated, type Route } from './v3/route.ts'

type Document = ReturnType<OpenApiGeneratorV31['generateDocument']>

const problem = z.strictObject({
  loc: z.array(z.union([z.string(), z.int()])).describe('Where it stands'),
  msg: z.string(),
  type: z.string(),
})

/** Whatever is no success: `detail` as the v3 API has it, `errors` beside it. */
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
  413: 'The body is too large',
  415: 'The body has another content type than this call takes',
} as const

/** Of calls that do something to what there is. */
const conflicts = {
  409: 'In progress under this Idempotency-Key, see Retry-After; or nothing is left to decide',
} as const

/** The OpenAPI 3.1 document of these calls, from the very schemas by which they check. */
export function openApiDocument(routes: readonly Route[], version: string): Document {
  const registry = new OpenAPIRegistry()
  registry.registerComponent('securitySchemes', 'bearer', {
    type: 'http',
    scheme: 'bearer',
    description: 'An API key, or a JSON Web Token where the operator has set them up.',
  })
  registerFailures(registry)
  for (const route of routes) registry.registerPath(pathOf(route))
  const definitions = [...registry.definitions, { type: 'schema' as const, schema: errorShape }]
  return new OpenApiGeneratorV31(definitions).generateDocument({
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

function registerFailures(registry: OpenAPIRegistry): void {
  const content = { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } }
  const all = { ...failures, ...bodyFailures, ...conflicts }
  for (const [status, description] of Object.entries(all)) {
    const headers = failureHeaders(Number(status))
    registry.registerComponent('responses', nameOf(status), { description, headers, content })
  }
}

/** Such as `NotFound`. */
function nameOf(status: string): string {
  return (STATUS_CODES[status] ?? status).replaceAll(' ', '')
}

function pathOf(route: Route): RouteConfig {
  const { method, path, tag, summary, scope, params, query } = route
  const request = {
    ...(params === undefined ? {} : { params: params as ZodObject }),
    ...(query === undefined ? {} : { query: query as ZodObject }),
    headers: requestHeaders(route),
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

function responsesOf(route: Route): RouteConfig['responses'] {
  const { method, responses, files = [], body, takesCsv } = route
  const hasBody = body !== undefined || takesCsv === true
  const successes = Object.entries(responses).map(([status, schema]): [string, ResponseConfig] => {
    const headers = successHeaders(route, status)
    if (!schema) return [status, { description: 'Done', headers }]
    const content = { 'application/json': { schema } }
    return [status, { description: 'Success', headers, content }]
  })
  const file = {
    description: 'The file',
    headers: successHeaders(route, '200'),
    content: Object.fromEntries(files.map((type) => [type, { schema: z.string() }])),
  }
  const possible = {
    ...failures,
    ...(hasBody ? bodyFailures : {}),
    ...(mayBeRepeated(route) || (method === 'post' && !hasBody) ? conflicts : {}),
  }
  return {
    ...Object.fromEntries(successes),
    ...(files.length > 0 ? { 200: file } : {}),
    ...Object.fromEntries(
      Object.keys(possible).map((status) => [
        status,
        { $ref: `#/components/responses/${nameOf(status)}` },
      ]),
    ),
  }
}
