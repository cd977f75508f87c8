import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import { createSecureContext } from 'node:tls'
import { readJwt, warningsOfJwt } from './config-jwt.ts'
import { isNotUsedYet, type VariableName, variables } from './config-variables.ts'
import { isReservedName } from './tenant/inbound-domains.ts'

export type Listen = { host: string; port: number }

export type Config = {
  /** `null`: the embedded PostgreSQL in dataDir. */
  databaseUrl: string | null
  acceptFsyncOff: boolean
  /** `null`: each process counts for itself. */
  redisUrl: string | null
  dataDir: string
  /** `null`: generated into dataDir. */
  secret: string | null
  hostname: string
  publicUrl: string
  smtp: Listen & {
    protocol: 'smtp' | 'lmtp'
    /** PEM texts. */
    tls: { key: string; cert: string } | null
    peers: readonly string[]
    proxyPeers: readonly string[]
    maxMessageBytes: number
    maxConnections: number
    maxConnectionsPerAddress: number
  }
  http: Listen & { trustProxy: readonly string[] }
  admin: Listen
  /** JSON Web Tokens that the API accepts; `null`: none. */
  jwt: { jwksUrl: string; issuer: string; audience: string; tenantClaim: string } | null
  /** Calls and checks a second that one credential may make; 0: as many as it likes. */
  rates: { calls: number; checks: number }
  raw: 'undecided' | 'all' | 'none'
  /** What the bytes of messages may take. */
  quarantineBytes: number
  rulesDir: string | null
  feedbackLoopsFile: string | null
  /** None: those of the machine. */
  dnsServers: readonly string[]
  retentionDays: { messages: number; raw: number; digests: number; outbox: number }
  bootstrap: {
    /** Somebody named at least one of them: then they are made on every kind of database. */
    isAskedFor: boolean
    tenant: string
    apiKey: string | null
    domain: string
  }
  logLevel: string
  /** What an operator should read once at the start. */
  warnings: readonly string[]
}

/** Everything that is wrong with the environment, one line a variable. */
export class ConfigError extends Error {
  override name = 'ConfigError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(`the configuration is not usable:\n${problems.map((line) => `  ${line}`).join('\n')}`)
    this.problems = problems
  }
}

type Environment = Record<string, string | undefined>
type Values = { [Name in VariableName]: ReturnType<(typeof variables)[Name]['read']> | null }

/** sysexits.h EX_CONFIG: what the program exits with on a ConfigError. */
export const exitCodeConfig = 78

/** The configuration in force. Throws a ConfigError that names every problem at once. */
export function readConfig(env: Environment = process.env): Config {
  const problems: string[] = []
  const values = readValues(env, problems)
  const tls = readTls(values, problems)
  const jwt = readJwt(values, problems)
  if (values.DATABASE_URL !== null && !isGiven(env, 'HEARBACK_SECRET')) {
    problems.push(
      'HEARBACK_SECRET: is required with DATABASE_URL; set 32 random bytes, such as the output of `openssl rand -base64 32`',
    )
  }
  if (problems.length > 0) throw new ConfigError(problems)
  const isAskedFor = names().some(
    (name) => name.startsWith('HEARBACK_BOOTSTRAP_') && isGiven(env, name),
  )
  const config = group(values, { tls, jwt, isAskedFor })
  return {
    ...config,
    warnings: [...warningsOf(env), ...warningsOfLinks(config, values), ...warningsOfJwt(jwt)],
  }
}

/** One variable as `hearback config` shows it; the value of a secret is masked. */
export type VariableInForce = {
  name: VariableName
  value: string | null
  origin: 'environment' | 'file' | 'default'
  description: string
}

/** Every variable with its value, whether the configuration as a whole is usable or not. */
export function variablesInForce(env: Environment = process.env): VariableInForce[] {
  return names().map((name) => {
    const { secret, initial, description } = variables[name]
    const fromFile = secret && given(env, `${name}_FILE`) !== null
    const text = given(env, name)
    const value = fromFile ? '' : (text ?? initial)
    return {
      name,
      value: secret && (fromFile || value !== null) ? '********' : value,
      origin: fromFile ? 'file' : text === null ? 'default' : 'environment',
      description,
    }
  })
}

/** config/hearback.env.example: every variable with its meaning and its default. */
export function exampleEnvironment(): string {
  const entries = names().map((name) => {
    const { description, initial, secret } = variables[name]
    const orFile = secret ? ` Or ${name}_FILE: a file that holds it.` : ''
    return `# ${description}${orFile}\n#${name}=${initial ?? ''}\n`
  })
  return entries.join('\n')
}

function readValues(env: Environment, problems: string[]): Values {
  const values: Record<string, unknown> = {}
  for (const name of names()) {
    const { read, initial, secret } = variables[name]
    values[name] = null
    try {
      const text = (secret ? readSecretFile(env, name) : null) ?? given(env, name) ?? initial
      if (text !== null) values[name] = read(text)
    } catch (error) {
      problems.push(`${name}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  return values as Values
}

function readSecretFile(env: Environment, name: VariableName): string | null {
  const path = given(env, `${name}_FILE`)
  if (path === null) return null
  if (given(env, name) !== null) {
    throw new Error(`is set together with ${name}_FILE; set one of them`)
  }
  return readText(path).trim()
}

function readTls(values: Values, problems: string[]): Config['smtp']['tls'] {
  const { HEARBACK_SMTP_TLS_KEY: key, HEARBACK_SMTP_TLS_CERT: cert } = values
  if (key === null && cert === null) return null
  if (key === null || cert === null) {
    problems.push(
      `HEARBACK_SMTP_TLS_${key === null ? 'KEY' : 'CERT'}: is required beside the other of key and certificate`,
    )
    return null
  }
  const text = (name: VariableName, path: string): string | null => {
    try {
      const pem = readText(path)
      if (pem.includes('-----BEGIN ')) return pem
      problems.push(`${name}: the file ${path} holds no PEM`)
    } catch (error) {
      problems.push(`${name}: ${error instanceof Error ? error.message : String(error)}`)
    }
    return null
  }
  const pair = {
    key: text('HEARBACK_SMTP_TLS_KEY', key),
    cert: text('HEARBACK_SMTP_TLS_CERT', cert),
  }
  return pair.key === null || pair.cert === null
    ? null
    : checkedPair({ key: pair.key, cert: pair.cert }, problems)
}

function checkedPair(pair: { key: string; cert: string }, problems: string[]): typeof pair | null {
  try {
    createSecureContext(pair)
    return pair
  } catch (error) {
    const cause = error instanceof Error ? error.message.replace(/^error:[0-9A-F]+:/, '') : ''
    problems.push(`HEARBACK_SMTP_TLS_KEY: cannot be used with HEARBACK_SMTP_TLS_CERT (${cause})`)
    return null
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : 'error'
    throw new Error(`the file ${path} cannot be read (${code})`)
  }
}

function group(
  values: Values,
  { tls, jwt, isAskedFor }: { tls: Config['smtp']['tls']; jwt: Config['jwt']; isAskedFor: boolean },
): Omit<Config, 'warnings'> {
  const http = { host: values.HEARBACK_HTTP_HOST ?? '', port: values.HEARBACK_HTTP_PORT ?? 0 }
  return {
    databaseUrl: values.DATABASE_URL,
    acceptFsyncOff: values.HEARBACK_ACCEPT_FSYNC_OFF ?? false,
    redisUrl: values.REDIS_URL,
    dataDir: resolve(values.HEARBACK_DATA_DIR ?? ''),
    secret: values.HEARBACK_SECRET,
    hostname: values.HEARBACK_HOSTNAME ?? hostname(),
    publicUrl: values.HEARBACK_PUBLIC_URL ?? `http://${http.host}:${http.port}`,
    smtp: {
      host: values.HEARBACK_SMTP_HOST ?? '',
      port: values.HEARBACK_SMTP_PORT ?? 0,
      protocol: values.HEARBACK_SMTP_PROTOCOL ?? 'smtp',
      tls,
      peers: values.HEARBACK_SMTP_PEERS ?? [],
      proxyPeers: values.HEARBACK_SMTP_PROXY_PEERS ?? [],
      maxMessageBytes: values.HEARBACK_SMTP_MAX_MESSAGE_BYTES ?? 0,
      maxConnections: values.HEARBACK_SMTP_MAX_CONNECTIONS ?? 0,
      maxConnectionsPerAddress: values.HEARBACK_SMTP_MAX_CONNECTIONS_PER_ADDRESS ?? 0,
    },
    http: { ...http, trustProxy: values.HEARBACK_TRUST_PROXY ?? [] },
    admin: { host: values.HEARBACK_ADMIN_HOST ?? '', port: values.HEARBACK_ADMIN_PORT ?? 0 },
    jwt,
    rates: { calls: values.HEARBACK_API_RATE ?? 0, checks: values.HEARBACK_CHECK_RATE ?? 0 },
    raw: values.HEARBACK_RAW ?? 'undecided',
    quarantineBytes: values.HEARBACK_QUARANTINE_BYTES ?? 0,
    rulesDir: values.HEARBACK_RULES_DIR,
    feedbackLoopsFile: values.HEARBACK_FEEDBACK_LOOPS,
    dnsServers: values.HEARBACK_DNS_SERVERS ?? [],
    retentionDays: {
      messages: values.HEARBACK_RETENTION_MESSAGES_DAYS ?? 0,
      raw: values.HEARBACK_RETENTION_RAW_DAYS ?? 0,
      digests: 30,
      outbox: values.HEARBACK_RETENTION_OUTBOX_DAYS ?? 0,
    },
    bootstrap: {
      isAskedFor,
      tenant: values.HEARBACK_BOOTSTRAP_TENANT ?? '',
      apiKey: values.HEARBACK_BOOTSTRAP_API_KEY,
      domain: values.HEARBACK_BOOTSTRAP_DOMAIN ?? '',
    },
    logLevel: values.HEARBACK_LOG_LEVEL ?? 'info',
  }
}

function warningsOf(env: Environment): string[] {
  const known = new Set<string>(names().flatMap((name) => [name, `${name}_FILE`]))
  const unknown = Object.keys(env)
    .filter((name) => name.startsWith('HEARBACK_') && !known.has(name))
    .map((name) => `${name} is not a variable of hearback; see \`hearback config\``)
  const unused = names()
    .filter((name) => isGiven(env, name) && isNotUsedYet(name))
    .map((name) => `${name} is set, but this version does not use it yet`)
  return [...unknown, ...unused]
}

function isGiven(env: Environment, name: VariableName): boolean {
  return (
    given(env, name) !== null || (variables[name].secret && given(env, `${name}_FILE`) !== null)
  )
}

/** Links that recipients cannot follow would be found out months later. */
function warningsOfLinks({ http, publicUrl }: Omit<Config, 'warnings'>, values: Values): string[] {
  if (values.HEARBACK_PUBLIC_URL === null) {
    return isLoopback(http.host)
      ? []
      : [`HEARBACK_PUBLIC_URL is not set: unsubscribe links would lead to ${publicUrl}`]
  }
  const { protocol, hostname: host } = new URL(publicUrl)
  if (protocol === 'https:' || isLoopback(host) || isReservedName(host)) return []
  return [
    'HEARBACK_PUBLIC_URL is not https: mail programs send no one-click unsubscribe there (RFC 8058 section 3.1)',
  ]
}

function isLoopback(host: string): boolean {
  return /^(?:127\.|\[?::1\]?$|localhost$)/.test(host)
}

function given(env: Environment, name: string): string | null {
  const value = env[name]
  return value === undefined || value.trim() === '' ? null : value
}

function names(): VariableName[] {
  return Object.keys(variables) as VariableName[]
}
