import { Ajv2020 } from 'ajv/dist/2020.js'

/*
 * Loaded before every test file: whatever hearback answers to a call of the v3 API must stand in the
 * OpenAPI document that it publishes itself.
 */

type Operation = { responses: Record<string, { content?: Record<string, object> }> }
type Contract = {
  validator: Ajv2020
  templates: { pattern: RegExp; template: string; operations: Record<string, Operation> }[]
}

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
  const { validator, templates } = await contract
  const found = templates.find(
    ({ pattern, operations }) => pattern.test(url.pathname) && method in operations,
  )
  if (!found) return
  const where = `${method.toUpperCase()} ${found.template} ${response.status}`
  const documented = found.operations[method]?.responses[response.status]
  if (!documented) throw new Error(`${where} is not documented`)
  const type = response.headers.get('content-type')?.split(';')[0] ?? ''
  const text = await response.text()
  if (documented.content === undefined) {
    if (text !== '') throw new Error(`${where} is documented without a body`)
    return
  }
  if (!(type in documented.content)) throw new Error(`${where} as ${type} is not documented`)
  if (type !== 'application/json') return
  const steps = ['paths', found.template, method, 'responses', response.status, 'content', type]
  const pointer = [...steps, 'schema'].map((step) => escapePointer(String(step))).join('/')
  if (!validator.validate({ $ref: `contract#/${pointer}` }, JSON.parse(text))) {
    throw new Error(`${where} is not as documented: ${validator.errorsText()} in ${text}`)
  }
}

async function readContract(origin: string): Promise<Contract> {
  const document = await (await send(`${origin}/openapi.json`)).json()
  // Other doors of ours have no such document.
  const { paths = {} } = document as { paths?: Record<string, Record<string, Operation>> }
  const validator = new Ajv2020({ strict: false, validateFormats: false, logger: false })
  validator.addSchema(document as object, 'contract')
  const templates = Object.entries(paths).map(([template, operations]) => ({
    template,
    operations,
    pattern: new RegExp(`^${template.replace(/\{\w+\}/g, '[^/]+')}/?$`, 'i'),
  }))
  // A literal step is tried before a parameter: `…/export` before `…/{email}`.
  templates.sort((a, b) => a.template.split('{').length - b.template.split('{').length)
  return { validator, templates }
}

function escapePointer(step: string): string {
  return encodeURIComponent(step.replaceAll('~', '~0').replaceAll('/', '~1'))
}
