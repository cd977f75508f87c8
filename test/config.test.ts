import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { ConfigError, exampleEnvironment, readConfig, variablesInForce } from '../src/config.ts'
import { variables } from '../src/config-variables.ts'

const secret = '0123456789abcdef'

test('config/hearback.env.example is what `hearback config --example` prints', () => {
  const file = new URL('../config/hearback.env.example', import.meta.url)
  expect(readFileSync(file, 'utf8')).toBe(exampleEnvironment())
})

test('the example as it is changes nothing, and every line of it can be uncommented', () => {
  const assignments = exampleEnvironment().matchAll(/^#([A-Z_]+)=(.*)$/gm)
  const env = Object.fromEntries([...assignments].map(([, name, value]) => [name, value]))
  const bare = readConfig({})
  const { isAskedFor, ...bootstrap } = readConfig(env).bootstrap
  expect(isAskedFor).toBe(true)
  expect({ ...readConfig(env), bootstrap: { isAskedFor: false, ...bootstrap } }).toEqual({
    ...bare,
    warnings: expect.anything(),
  })
})

test('nothing set: an embedded database, doors on this machine only, nothing to warn of', () => {
  expect(readConfig({})).toMatchObject({
    databaseUrl: null,
    secret: null,
    smtp: { host: '127.0.0.1', port: 2525, tls: null },
    http: { host: '127.0.0.1', port: 8025 },
    admin: { host: '127.0.0.1', port: 9025 },
    bootstrap: { isAskedFor: false, tenant: 'default', domain: 'bounce.localhost', apiKey: null },
    warnings: [],
  })
})

test.each(['', ' ', '\t\n'])(
  'a variable of nothing but blanks counts as not set (%j)',
  (nothing) => {
    const empty = Object.keys(variables).flatMap((name) => [
      [name, nothing],
      [`${name}_FILE`, nothing],
    ])
    expect(readConfig(Object.fromEntries(empty))).toEqual({
      ...readConfig({}),
      warnings: expect.anything(),
    })
  },
)

test('messages of more than 100 MiB cannot be allowed', () => {
  const withLimit = (bytes: number) => ({ HEARBACK_SMTP_MAX_MESSAGE_BYTES: String(bytes) })
  const most = 100 * 1024 * 1024
  expect(readConfig(withLimit(most)).smtp.maxMessageBytes).toBe(most)
  expect(configError(withLimit(most + 1)).problems).toEqual([
    'HEARBACK_SMTP_MAX_MESSAGE_BYTES: must be at most 104857600 (100 MiB)',
  ])
})

test('secrets come from files too, without the line end', () => {
  const env = {
    DATABASE_URL_FILE: fileWith('postgres://hearback:pass@db.example/hearback\n'),
    HEARBACK_SECRET_FILE: fileWith(`${secret}\r\n`),
    HEARBACK_BOOTSTRAP_API_KEY_FILE: fileWith('a-key-of-the-tests'),
  }
  expect(readConfig(env)).toMatchObject({
    databaseUrl: 'postgres://hearback:pass@db.example/hearback',
    secret,
    bootstrap: { isAskedFor: true, apiKey: 'a-key-of-the-tests' },
    warnings: [],
  })
})

test('the table masks every secret, wherever it comes from', () => {
  const env = {
    DATABASE_URL: 'postgres://hearback:pass@db.example/hearback',
    REDIS_URL: 'redis://:pass@cache.example',
    HEARBACK_SECRET_FILE: fileWith(secret),
    HEARBACK_BOOTSTRAP_API_KEY: 'a-key-of-the-tests',
    HEARBACK_RAW: 'all',
  }
  const table = variablesInForce(env)
  expect(JSON.stringify(table)).not.toMatch(/pass|a-key-of|0123456789abcdef/)
  const shown = Object.fromEntries(table.map(({ name, value, origin }) => [name, [value, origin]]))
  expect(shown).toMatchObject({
    DATABASE_URL: ['********', 'environment'],
    HEARBACK_SECRET: ['********', 'file'],
    HEARBACK_RAW: ['all', 'environment'],
    HEARBACK_HTTP_PORT: ['8025', 'default'],
    HEARBACK_JWKS_URL: [null, 'default'],
  })
})

test('no message repeats a secret that is not usable', () => {
  const env = {
    DATABASE_URL: 'mysql://root:pass@db.example/x',
    HEARBACK_BOOTSTRAP_API_KEY: 'short',
  }
  const { problems } = configError(env)
  expect(problems.join('\n')).not.toMatch(/pass|short/)
})

test('misspelt variables are warned of', () => {
  const { warnings } = readConfig({ HEARBACK_SMPT_PORT: '25' })
  expect(warnings).toEqual([
    'HEARBACK_SMPT_PORT is not a variable of hearback; see `hearback config`',
  ])
})

test('a Redis is named with its number, or without', () => {
  const good = ['redis://cache', 'rediss://user:p%40ss%C3%9F@cache:6380/2', 'redis://[::1]:6379/']
  for (const url of good) expect(readConfig({ REDIS_URL: url }).redisUrl).toBe(url)
  for (const wrong of ['cache', 'http://cache', 'redis://', 'redis://c/x', 'redis://:%zz@c']) {
    expect(configError({ REDIS_URL: wrong }).problems).toEqual([
      'REDIS_URL: must be a URL such as redis://host:6379 or rediss://:password@host:6379/2',
    ])
  }
})

describe('JSON Web Tokens', () => {
  const jwt = {
    HEARBACK_JWKS_URL: 'https://id.example.com/jwks',
    HEARBACK_JWT_ISSUER: 'https://id.example.com',
    HEARBACK_JWT_AUDIENCE: 'hearback',
  }

  test('are accepted once it is said whose', () => {
    expect(readConfig({}).jwt).toBeNull()
    expect(readConfig(jwt)).toMatchObject({
      jwt: {
        jwksUrl: 'https://id.example.com/jwks',
        issuer: 'https://id.example.com',
        audience: 'hearback',
        tenantClaim: 'tenant_id',
      },
      warnings: [],
    })
  })

  test.each(Object.keys(jwt))('without %s they are not', (name) => {
    const { problems } = configError({ ...jwt, [name]: '' })
    expect(problems).toEqual([expect.stringMatching(`^${name}: is required beside HEARBACK_J`)])
  })

  test('keys that come over the network without TLS are warned of', () => {
    const fetched = (url: string) => readConfig({ ...jwt, HEARBACK_JWKS_URL: url }).warnings
    expect(fetched('http://id.example.com/jwks')).toEqual([
      'HEARBACK_JWKS_URL is fetched without TLS: use an https:// URL',
    ])
    for (const own of ['http://127.0.0.1:80/jwks', 'http://[::1]/jwks', 'http://localhost:1/']) {
      expect(fetched(own)).toEqual([])
    }
  })
})

test('calls are limited unless it is said otherwise, checks the other way round', () => {
  expect(readConfig({}).rates).toEqual({ calls: 1_000, checks: 0 })
  const env = { HEARBACK_API_RATE: '0', HEARBACK_CHECK_RATE: '50000' }
  expect(readConfig(env).rates).toEqual({ calls: 0, checks: 50_000 })
  for (const wrong of ['-1', '1.5', 'many']) {
    expect(configError({ HEARBACK_API_RATE: wrong }).problems).toHaveLength(1)
  }
})

test('lists of networks are read with or without blanks, and nothing else is one', () => {
  const config = readConfig({ HEARBACK_SMTP_PEERS: '10.0.0.0/8, ::1,fd00::/8' })
  expect(config.smtp.peers).toEqual(['10.0.0.0/8', '::1', 'fd00::/8'])
  for (const wrong of ['10.0.0.0/33', '10.0.0', 'fd00::/129', 'localhost', '10.0.0.0/8/8', ',']) {
    expect(configError({ HEARBACK_SMTP_PEERS: wrong }).problems).toHaveLength(1)
  }
})

test.each(['https://feedback.example.com', 'https://feedback.example.com/'])(
  'unsubscribe links under %s have one slash',
  (url) => {
    expect(readConfig({ HEARBACK_PUBLIC_URL: url }).publicUrl).toBe('https://feedback.example.com')
  },
)

test('links that mail programs send no one-click to are warned of', () => {
  const warnings = (url: string) => readConfig({ HEARBACK_PUBLIC_URL: url }).warnings
  expect(warnings('http://feedback.example.com')).toEqual([
    'HEARBACK_PUBLIC_URL is not https: mail programs send no one-click unsubscribe there (RFC 8058 section 3.1)',
  ])
  const fine = ['https://feedback.example.com', 'http://127.0.0.1:8025', 'http://[::1]:8025']
  for (const url of [...fine, 'http://localhost', 'http://feedback.test/below']) {
    expect(warnings(url)).toEqual([])
  }
})

function configError(env: Record<string, string>): ConfigError {
  try {
    readConfig(env)
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
  throw new Error('the configuration was taken')
}

function fileWith(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'hearback-config-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'file')
  writeFileSync(file, text)
  return file
}
