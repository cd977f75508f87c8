import { Resolver } from 'node:dns'
import { isIP } from 'node:net'
import { z } from 'zod'
import { canonicalDomain } from './feedback/address.ts'
import { isTenantName, tenantNameRule } from './tenant/tenant-name.ts'

type Variable<Value> = {
  /** Text of the environment to value; throws an error that says what is allowed. */
  read: (text: string) => Value
  initial: string | null
  description: string
  /** Masked wherever it is shown, and may come from the file that NAME_FILE names. */
  secret: boolean
}

const port = z.coerce.number('must be a port number').int().min(0).max(65_535)
const count = z.coerce.number('must be a whole number').int().min(1, 'must be at least 1')
const rate = z.coerce.number('must be a whole number').int().min(0, 'must not be negative')
/** Twice as many characters of hexadecimal text must fit into one statement of the driver. */
const messageBytes = count.max(100 * 1024 * 1024, 'must be at most 104857600 (100 MiB)')
const url = (protocol: RegExp, example: string) =>
  z.url({ protocol, error: `must be a URL such as ${example}` })
const flag = z.enum(['0', '1'], 'must be 0 or 1').transform((text) => text === '1')
const ranges = z.string().transform((text, context) => {
  const list = text.split(',').map((range) => range.trim())
  for (const range of list) {
    if (!isRange(range)) context.addIssue(`${range} is no address and no CIDR range`)
  }
  return list
})
const inboundDomain = z.string().transform((text, context) => {
  const domain = canonicalDomain(text)
  if (domain === null) context.addIssue(`${text} is no domain`)
  return domain ?? ''
})
const dnsServers = z.string().transform((text, context) => {
  const list = text.split(',').map((server) => server.trim())
  try {
    new Resolver().setServers(list)
  } catch {
    context.addIssue(`${text} is no list of addresses such as 192.0.2.1,[2001:db8::1]:5353`)
  }
  return list
})
const text = z.string()

/** The variables of the environment, in the order in which an operator meets them. */
export const variables = {
  DATABASE_URL: secret(
    url(/^postgres(?:ql)?$/, 'postgres://user@host/database'),
    'PostgreSQL to use, over TCP. Without it hearback runs one of its own in HEARBACK_DATA_DIR.',
  ),
  HEARBACK_ACCEPT_FSYNC_OFF: variable(
    flag,
    '0',
    '1 = start although PostgreSQL runs with fsync=off and may lose what it confirmed.',
  ),
  REDIS_URL: secret(
    text.refine(
      isRedisUrl,
      'must be a URL such as redis://host:6379 or rediss://:password@host:6379/2',
    ),
    'Redis in which all processes count rate limits together. Without it each counts for itself.',
  ),
  HEARBACK_DATA_DIR: variable(
    text,
    './data',
    'Where the PostgreSQL of hearback and its secret live.',
  ),
  HEARBACK_SECRET: secret(
    text.min(16, 'must have at least 16 characters'),
    'Encrypts signing keys; at least 16 characters. Generated into HEARBACK_DATA_DIR when absent; required with DATABASE_URL.',
  ),
  HEARBACK_HOSTNAME: variable(
    text,
    null,
    'Name in the SMTP greeting and in the MX records that are printed. Default: that of the machine.',
  ),
  HEARBACK_PUBLIC_URL: variable(
    url(/^https?$/, 'https://feedback.example.com').transform((value) => value.replace(/\/$/, '')),
    null,
    'Where recipients reach the HTTP door, by https; stands in unsubscribe links. Default: the address that it listens on.',
  ),
  HEARBACK_SMTP_HOST: variable(text, '127.0.0.1', 'Address of the SMTP door.'),
  HEARBACK_SMTP_PORT: variable(port, '2525', 'Port of the SMTP door; 0 = any free one.'),
  HEARBACK_SMTP_PROTOCOL: variable(
    z.enum(['smtp', 'lmtp'], 'must be smtp or lmtp'),
    'smtp',
    'lmtp = behind an MTA of your own, with one answer for each recipient.',
  ),
  HEARBACK_SMTP_TLS_KEY: variable(
    text,
    null,
    'File with the private key (PEM) for STARTTLS. Without it none is offered.',
  ),
  HEARBACK_SMTP_TLS_CERT: variable(
    text,
    null,
    'File with the certificate chain (PEM) for STARTTLS.',
  ),
  HEARBACK_SMTP_PEERS: variable(
    ranges,
    '127.0.0.0/8,::1',
    'Our own MTAs (addresses, CIDR): greeted at once, no limit for one address.',
  ),
  HEARBACK_SMTP_PROXY_PEERS: variable(
    ranges,
    null,
    'Balancers (addresses, CIDR) that speak the PROXY protocol to the SMTP door.',
  ),
  HEARBACK_SMTP_MAX_MESSAGE_BYTES: variable(
    messageBytes,
    '26214400',
    'Larger messages are refused with 552; at most 104857600 (100 MiB).',
  ),
  HEARBACK_SMTP_MAX_CONNECTIONS: variable(
    count,
    '2000',
    'SMTP connections of strangers at one time, and as many of peers; the next ones get 421.',
  ),
  HEARBACK_SMTP_MAX_CONNECTIONS_PER_ADDRESS: variable(
    count,
    '50',
    'The same for one IPv4 address or IPv6 /64 that is not in HEARBACK_SMTP_PEERS.',
  ),
  HEARBACK_HTTP_HOST: variable(
    text,
    '127.0.0.1',
    'Address of the HTTP door: the v3 API and the pages for recipients.',
  ),
  HEARBACK_HTTP_PORT: variable(port, '8025', 'Port of the HTTP door; 0 = any free one.'),
  HEARBACK_TRUST_PROXY: variable(
    ranges,
    null,
    'Proxies (addresses, CIDR) whose X-Forwarded-For is believed.',
  ),
  HEARBACK_ADMIN_HOST: variable(text, '127.0.0.1', 'Address of /healthz, /readyz and /metrics.'),
  HEARBACK_ADMIN_PORT: variable(
    port,
    '9025',
    'Port of /healthz, /readyz and /metrics; 0 = any free one.',
  ),
  HEARBACK_RAW: variable(
    z.enum(['undecided', 'all', 'none'], 'must be undecided, all or none'),
    'undecided',
    'Whose bytes are kept: undecided = unattributed, quarantined, ignored and unknown mail; all; none = only what cannot be read, stored or verified yet.',
  ),
  HEARBACK_RULES_DIR: variable(
    text,
    null,
    'Folder with bounce rules of your own; they come before the built-in ones.',
  ),
  HEARBACK_FEEDBACK_LOOPS: variable(
    text,
    null,
    'File with senders of feedback loops besides those of config/feedback-loops.json.',
  ),
  HEARBACK_DNS_SERVERS: variable(
    dnsServers,
    null,
    'DNS servers (addresses, with :port if it is not 53) for DKIM keys. Default: those of the machine.',
  ),
  HEARBACK_RETENTION_MESSAGES_DAYS: variable(
    count,
    '90',
    'How long messages are kept, without their bytes.',
  ),
  HEARBACK_RETENTION_RAW_DAYS: variable(count, '30', 'How long the bytes of messages are kept.'),
  HEARBACK_QUARANTINE_BYTES: variable(
    count,
    '1073741824',
    'What those bytes may take in all; beyond it the oldest are dropped first. With HEARBACK_RAW=all raise it.',
  ),
  HEARBACK_RETENTION_OUTBOX_DAYS: variable(
    count,
    '30',
    'How long events for other systems are kept.',
  ),
  HEARBACK_JWKS_URL: variable(
    url(/^https?$/, 'https://id.example.com/jwks'),
    null,
    'Public keys (JWKS) of the JSON Web Tokens that the API accepts besides its own keys.',
  ),
  HEARBACK_JWT_ISSUER: variable(text, null, 'Issuer that those tokens must name.'),
  HEARBACK_JWT_AUDIENCE: variable(text, null, 'Audience that those tokens must name.'),
  HEARBACK_JWT_TENANT_CLAIM: variable(
    text,
    'tenant_id',
    'Claim of those tokens that says which tenant: its name as text, or its id as number.',
  ),
  HEARBACK_API_RATE: variable(
    rate,
    '1000',
    'Calls a second that one API key or token subject may make, checks aside; 0 = no limit.',
  ),
  HEARBACK_CHECK_RATE: variable(rate, '0', 'The same for checks; 0 = no limit.'),
  HEARBACK_WEBHOOK_ALLOW_PRIVATE: variable(
    flag,
    '0',
    'Not used yet. 1 = webhooks may go to private addresses.',
  ),
  HEARBACK_BOOTSTRAP_TENANT: variable(
    text.refine(isTenantName, `must have ${tenantNameRule}`),
    'default',
    'Tenant that is made at the start when it does not exist.',
  ),
  HEARBACK_BOOTSTRAP_API_KEY: secret(
    text.regex(/^[\x21-\x7e]{16,128}$/, 'must have 16 to 128 printable characters'),
    'API key with every scope for that tenant, 16 to 128 characters. Default: one is made and printed when the tenant is.',
  ),
  HEARBACK_BOOTSTRAP_DOMAIN: variable(
    inboundDomain,
    'bounce.localhost',
    'Domain for that tenant; accepts unsigned reports only under .localhost, .test, .example and .invalid.',
  ),
  HEARBACK_LOG_LEVEL: variable(
    z.enum(
      ['fatal', 'error', 'warn', 'info', 'debug', 'silent'],
      'must be fatal, error, warn, info, debug or silent',
    ),
    'info',
    'How much is logged, as JSON lines on standard error: fatal, error, warn, info, debug or silent.',
  ),
} as const satisfies Record<string, Variable<unknown>>

export type VariableName = keyof typeof variables

/** Promised names whose parts of the program are still to come. */
export function isNotUsedYet(name: VariableName): boolean {
  const notYet: readonly VariableName[] = ['HEARBACK_WEBHOOK_ALLOW_PRIVATE']
  return notYet.includes(name)
}

function variable<Value>(
  schema: z.ZodType<Value>,
  initial: string | null,
  description: string,
): Variable<Value> {
  const read = (value: string): Value => {
    const result = schema.safeParse(value)
    if (result.success) return result.data
    throw new Error(result.error.issues.map(({ message }) => message).join('; '))
  }
  return { read, initial, description, secret: false }
}

function secret<Value>(schema: z.ZodType<Value>, description: string): Variable<Value> {
  return { ...variable(schema, null, description), secret: true }
}

function isRedisUrl(text: string): boolean {
  const hasDatabaseNumber = /^rediss?:\/\/[^/?#]+(?:\/\d*)?$/.test(text)
  return hasDatabaseNumber && URL.canParse(text) && isPercentEncoded(text)
}

function isPercentEncoded(text: string): boolean {
  try {
    return decodeURIComponent(text) !== ''
  } catch {
    return false
  }
}

function isRange(range: string): boolean {
  const [address = '', prefix, ...rest] = range.split('/')
  const version = isIP(address)
  if (version === 0 || rest.length > 0) return false
  const longest = version === 4 ? 32 : 128
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= longest)
}
