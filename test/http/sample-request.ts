import { z } from 'zod'
import type { Route } from '../../src/http/v3/route.ts'

export type SampleRequest = {
  method: string
  path: string
  json?: unknown
  body?: string
  headers?: Record<string, string>
}

/** What stands for what in a path; every value of a tenant that a path could name. */
export type Named = { addresses: readonly string[]; ids: readonly string[] }

export const nobodys: Named = {
  addresses: ['nobody@example.com'],
  ids: ['00000000-0000-7000-8000-000000000000', '2000000000'],
}

const sampleAddress = 'listed@example.com'

/** Requests that this call takes: one for each combination of values that its path can name. */
export function sampleRequests(route: Route, named: Named = nobodys): SampleRequest[] {
  const names = [...route.path.matchAll(/:(\w+)/g)].map(([, name = '']) => name)
  const content = contentOf(route)
  return combinations(names, named)
    .filter((params) => route.params === undefined || route.params.safeParse(params).success)
    .map((params) => ({
      method: route.method.toUpperCase(),
      path: `/v3${route.path.replace(/:(\w+)/g, (_, name) => params[name] ?? '')}${queryOf(route)}`,
      ...content,
    }))
}

function combinations(names: readonly string[], named: Named): Record<string, string>[] {
  return names.reduce<Record<string, string>[]>(
    (all, name) => {
      const values = name === 'email' ? named.addresses : named.ids
      return all.flatMap((params) => values.map((value) => ({ ...params, [name]: value })))
    },
    [{}],
  )
}

function queryOf({ query }: Route): string {
  if (query === undefined || query.safeParse({}).success) return ''
  const sample = sampleOf(z.toJSONSchema(query, { io: 'input', unrepresentable: 'any' }))
  return `?${new URLSearchParams(sample as Record<string, string>)}`
}

function contentOf({ body, takesCsv }: Route): Pick<SampleRequest, 'json' | 'body' | 'headers'> {
  if (takesCsv) {
    return { body: `email\n${sampleAddress}\n`, headers: { 'content-type': 'text/csv' } }
  }
  if (body === undefined) return {}
  const schema = z.toJSONSchema(body, { io: 'input', unrepresentable: 'any' })
  const required = sampleOf(schema)
  // Some want one of several.
  const more = Object.entries(schema.properties ?? {}).map(([name, property]) => ({
    ...(required as object),
    [name]: sampleOf(property as Schema),
  }))
  return { json: [required, ...more].find((one) => body.safeParse(one).success) ?? required }
}

type Schema = z.core.JSONSchema.BaseSchema

function sampleOf(schema: Schema): unknown {
  const [choice] = schema.anyOf ?? schema.oneOf ?? []
  if (choice !== undefined) return sampleOf(choice)
  if (schema.const !== undefined) return schema.const
  if (schema.enum !== undefined) return schema.enum[0]
  switch (schema.type) {
    case 'object':
      return Object.fromEntries(
        Object.entries(schema.properties ?? {})
          .filter(([name]) => schema.required?.includes(name))
          .map(([name, property]) => [name, property === true ? {} : sampleOf(property as Schema)]),
      )
    case 'array':
      return [sampleOf((schema.items ?? {}) as Schema)]
    case 'integer':
    case 'number':
      return Math.max(1, schema.minimum ?? 1)
    case 'boolean':
      return true
    case 'string':
      return schema.format === 'date-time' ? '2100-01-01T00:00:00Z' : sampleAddress
    default:
      return {}
  }
}
