import { Ajv2020 } from 'ajv/dist/2020.js'
import { fixedHeaders } from '../../src/http/fixed-headers.ts'

/*
 * Loaded before every test file: whatever hearback answers to a call of the v3 API must stand in the
 * OpenAPI document that it publishes itself.
 */

type Documented = {
  headers?: Record<string, { required?: boolean }>
  content?: Record<string, object>
}
type Operation = { responses: Record<string, Documented | { $ref: string }> }
type Contract = {
  validator: Ajv2020
  /** Answers that many calls have in common. */
  responses: Record<string, Documented>
  templates: { pattern: RegExp; template: string; operations: Record<string, Operation> }[]
}

/** Those of HTTP itself, and of every response of ours, whatever it answers. */
const undocumented = new Set([
  'connection',
  'content-length',
  'content-type',
  'date',
  'keep-alive',
  'transfer-encoding',
  ...Object.keys(fixedHeaders).map((name) => name.toLowerCase()),
])

const send = globalThis.fetch
const contracts = new Map<string, Promise<Contract>>()

globalThis.fetch = async (input, init) => {
  const response = await send(input, init)
  const url = new URL(input instanceof Request ? input.url : input)
  const method = init?.method ?? (input instanceof Request ? input.method : 'GET')
  if (url.hostname === '127.0.0.1' && url.pathname.startsWith('/v3/')) {
    await demandDocumented(url, method.toLowerCase(), response.clone())
  }
  return response
}

async function demandDocumented(url: URL, method: string, response: Response): Promise<void> {
  const contract = contracts.get(url.origin) ?? readContract(url.origin)
  contracts.set(url.origin, contract)
  const { validator, responses, templates } = await contract
  const found = templates.find(
    ({ pattern, operations }) => pattern.test(url.pathname) && method in operations,
  )
  if (!found) return
  const where = `${method.toUpperCase()} ${found.template} ${response.status}`
  const own = found.operations[method]?.responses[response.status]
  const common = own !== undefined && '$ref' in own ? (own.$ref.split('/').at(-1) ?? '') : null
  const documented = common === null ? own : responses[common]
  if (!documented || '$ref' in documented) throw new Error(`${where} is not documented`)
  demandHeaders(where, response.headers, documented.headers ?? {})
  const type = response.headers.get('content-type')?.split(';')[0] ?? ''
  const text = await response.text()
  if (documented.content === undefined) {
    if (text !== '') throw new Error(`${where} is documented without a body`)
    return
  }
  if (!(type in documented.content)) throw new Error(`${where} as ${type} is not documented`)
  if (type !== 'application/json') return
  const place =
    common === null
      ? ['paths', found.template, method, 'responses', response.status]
      : ['components', 'responses', common]
  const steps = [...place, 'content', type, 'schema']
  const pointer = steps.map((step) => escapePointer(String(step))).join('/')
  if (!validator.validate({ $ref: `contract#/${pointer}` }, JSON.parse(text))) {
    throw new Error(`${where} is not as documented: ${validator.errorsText()} in ${text}`)
  }
}

function demandHeaders(
  where: string,
  headers: Headers,
  documented: NonNullable<Documented['headers']>,
): void {
  const known = new Set(Object.keys(documented).map((name) => name.toLowerCase()))
  for (const [name] of headers) {
    if (known.has(name) || undocumented.has(name)) continue
    throw new Error(`${where}: the field ${name} is not documented`)
  }
  for (const [name, { required = false }] of Object.entries(documented)) {
    if (required && !headers.has(name)) throw new Error(`${where} has no ${name}`)
  }
}

async function readContract(origin: string): Promise<Contract> {
  const document = await (await send(`${origin}/openapi.json`)).json()
  // Other doors of ours have no such document.
  const { paths = {}, components: { responses = {} } = {} } = document as {
    paths?: Record<string, Record<string, Operation>>
    components?: Pick<Contract, 'responses'>
  }
  const validator = new Ajv2020({ strict: false, validateFormats: false, logger: false })
  validator.addSchema(document as object, 'contract')
  const templates = Object.entries(paths).map(([template, operations]) => ({
    template,
    operations,
    pattern: new RegExp(`^${template.replace(/\{\w+\}/g, '[^/]+')}/?$`, 'i'),
  }))
  // A literal step is tried before a parameter: `…/export` before `…/{email}`.
  templates.sort((a, b) => a.template.split('{').length - b.template.split('{').length)
  return { validator, responses, templates }
}

function escapePointer(step: string): string {
  return encodeURIComponent(step.replaceAll('~', '~0').replaceAll('/', '~1'))
}
