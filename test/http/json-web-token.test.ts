import { createHmac, createSign, generateKeyPairSync, randomBytes } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { exportJWK } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { ApiError } from '../../src/http/errors.ts'
import { createGate, type Gate } from '../../src/http/gate.ts'
import { createTokenKeys } from '../../src/http/json-web-token-keys.ts'
import { type Issuer, type SignOptions, startIssuer } from '../support/issuer.ts'
import { useDoor } from './door.ts'

const issuer = await startIssuer()
const { issuer: name, audience } = issuer
const jwt = { jwksUrl: issuer.url, issuer: name, audience, tenantClaim: 'tenant_id' }
const door = useDoor({ jwt })
const bounces = '/v3/suppression/bounces'

let tenantId: number
beforeAll(async () => {
  await issuer.addKey('RS256', 'first')
  ;({ tenantId } = await door.addTenant())
})
afterAll(() => issuer.close())
beforeEach(() => issuer.answerWith(null))

function token({ claims, ...options }: SignOptions = {}): Promise<string> {
  return issuer.sign({
    ...options,
    claims: { tenant_id: tenantId, scope: 'suppressions.read suppressions.write', ...claims },
  })
}

async function statusFor(bearer: string): Promise<number> {
  return (await door.call('GET', bounces, { key: bearer })).status
}

describe('a token of the issuer', () => {
  test('opens the lists of its tenant, and stands in the audit trail', async () => {
    const key = await token({ claims: { sub: 'jane', name: 'Jane Roe' } })
    const json = { email: 'a@example.com' }
    expect((await door.call('POST', bounces, { key, json })).status).toBe(201)
    expect((await door.call('GET', bounces, { key })).json).toMatchObject({ total: 1 })
    const audited = await door.sql`
      select actor_kind, actor_id, actor_name from audit_entry where tenant_id = ${tenantId}`
    expect(audited).toEqual([{ actorKind: 'jwt', actorId: 'jane', actorName: 'Jane Roe' }])
  })

  test('names its tenant by name or by number', async () => {
    const [row] = await door.sql`select name from tenant where tenant_id = ${tenantId}`
    expect(await statusFor(await token({ claims: { tenant_id: row?.['name'] } }))).toBe(200)
    expect(await statusFor(await token({ claims: { tenant_id: tenantId } }))).toBe(200)
  })

  test.each(['RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'])(
    'may be signed with %s',
    async (algorithm) => {
      const own = await startIssuer()
      await own.addKey(algorithm, algorithm)
      await withGate({ ...jwt, jwksUrl: own.url }, async (gate) => {
        const signed = await own.sign({ claims: { tenant_id: tenantId } })
        expect(await gate.credential(signed)).toMatchObject({ tenantId })
      })
      await own.close()
    },
  )

  test.each([
    [{ scope: 'suppressions.read' }, 200],
    [{ scope: 'openid suppressions.read profile' }, 200],
    [{ scope: undefined, scopes: ['suppressions.read'] }, 200],
    [{ scope: undefined, permissions: ['suppressions.read'] }, 200],
    [{ scope: undefined, scp: ['suppressions.read'] }, 200],
    [{ scope: undefined, scp: 'suppressions.read' }, 200],
    [{ scope: ['suppressions.read'] }, 200],
    [{ scope: undefined }, 403],
    [{ scope: '' }, 403],
    [{ scope: 'suppressions' }, 403],
    [{ scope: 'suppressions.read.all' }, 403],
    [{ scope: 'SUPPRESSIONS.READ' }, 403],
    [{ scope: 'suppressions.write' }, 403],
    [{ scope: '*' }, 403],
    [{ scope: { 'suppressions.read': true } }, 403],
    [{ scope: 'openid', permissions: ['suppressions.read'] }, 403],
  ])('with the claims %j gets %d', async (claims, status) => {
    expect(await statusFor(await token({ claims }))).toBe(status)
  })

  test('of a suspended tenant gets 403', async () => {
    const other = await door.addTenant()
    await door.sql`update tenant set suspended_at = now() where tenant_id = ${other.tenantId}`
    expect(await statusFor(await token({ claims: { tenant_id: other.tenantId } }))).toBe(403)
  })

  test('is believed for at most 30 seconds, and never after its end', async () => {
    const end = Math.floor(Date.now() / 1_000) + 10
    const key = await token({ claims: { exp: end } })
    expect(await statusFor(key)).toBe(200)
    door.setNow(new Date(end * 1_000 - 1))
    expect(await statusFor(key)).toBe(200)
    door.setNow(new Date(end * 1_000))
    expect(await statusFor(key)).toBe(401)
    door.setNow(null)
  })

  test('cannot make a key that may more than itself', async () => {
    const key = await token({ claims: { scope: 'admin.api_keys webhooks.read' } })
    const make = (scopes: string[]) =>
      door.call('POST', '/v3/api_keys', { key, json: { name: 'k', scopes } })
    expect((await make(['suppressions.read'])).status).toBe(403)
    expect((await make(['webhooks.read'])).status).toBe(201)
  })
})

describe('401 and one body for', () => {
  const now = Math.floor(Date.now() / 1_000)
  const refused = {
    detail: 'A valid API key or token is required',
    errors: [{ message: 'A valid API key or token is required', field: null, help: null }],
  }

  test.each<[string, SignOptions]>([
    ['another issuer', { claims: { iss: 'https://id.example.com/' } }],
    ['no issuer', { claims: { iss: undefined } }],
    ['another audience', { claims: { aud: 'billing' } }],
    ['no audience', { claims: { aud: undefined } }],
    ['an end that is over', { claims: { exp: now - 1 } }],
    ['no end', { claims: { exp: undefined } }],
    ['an end as text', { claims: { exp: '9999999999' } }],
    ['a beginning in an hour', { claims: { nbf: now + 3_600 } }],
    ['being made in an hour', { claims: { iat: now + 3_600 } }],
    ['being made two days ago', { claims: { iat: now - 2 * 86_400 } }],
    ['not saying when it was made', { claims: { iat: undefined } }],
    ['no subject', { claims: { sub: undefined } }],
    ['a subject with a NUL', { claims: { sub: 'a\0b' } }],
    ['a subject of 256 characters', { claims: { sub: 'x'.repeat(256) } }],
    ['no tenant', { claims: { tenant_id: undefined } }],
    ['a tenant that does not exist', { claims: { tenant_id: 'nobody' } }],
    ['a tenant by a number that does not exist', { claims: { tenant_id: 2_147_483_647 } }],
    ['a number that no tenant can have', { claims: { tenant_id: 1e300 } }],
    ['tenant 0', { claims: { tenant_id: 0 } }],
    ['half a tenant', { claims: { tenant_id: 1.5 } }],
    ['a list of tenants', { claims: { tenant_id: [1] } }],
    ['a tenant with a NUL', { claims: { tenant_id: 'a\0' } }],
    ['an unknown key', { header: { kid: 'another' } }],
    ['a critical header', { header: { crit: ['urgent'], urgent: true } }],
    ['a key of its own', { header: { jwk: { kty: 'oct', k: 'AAAA' } } }],
    ['a place of keys of its own', { header: { jku: 'https://evil.example/jwks' } }],
    ['a certificate of its own', { header: { x5u: 'https://evil.example/cert' } }],
    ['another purpose', { header: { typ: 'logout+jwt' } }],
    ['more than 8 KiB', { claims: { padding: 'x'.repeat(8_192) } }],
  ])('%s', async (_name, options) => {
    const reply = await door.call('GET', bounces, { key: await token(options) })
    expect([reply.status, reply.json]).toEqual([401, refused])
    expect(reply.headers.get('www-authenticate')).toBe('Bearer')
  })

  test('tenants by number as text: that is a name', async () => {
    expect(await statusFor(await token({ claims: { tenant_id: String(tenantId) } }))).toBe(401)
  })

  test('a signature that was changed, left out, or made by somebody else', async () => {
    const [header = '', payload = '', signature = ''] = (await token()).split('.')
    const flipped = (signature[0] === 'A' ? 'B' : 'A') + signature.slice(1)
    expect(await statusFor(`${header}.${payload}.${flipped}`)).toBe(401)
    expect(await statusFor(`${header}.${payload}.`)).toBe(401)
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
    const own = createSign('RSA-SHA256').update(`${header}.${payload}`).sign(privateKey)
    expect(await statusFor(`${header}.${payload}.${own.toString('base64url')}`)).toBe(401)
  })

  test('claims that were changed', async () => {
    const [header, , signature] = (await token()).split('.')
    const payload = (await token({ claims: { sub: 'another' } })).split('.')[1]
    expect(await statusFor(`${header}.${payload}.${signature}`)).toBe(401)
  })

  test('no algorithm, and the public key as a shared secret', async () => {
    const jwk = await issuer.addKey('RS256', 'second')
    const payload = (await token()).split('.')[1]
    for (const alg of ['none', 'None', 'NONE', 'HS256', 'HS512', '', 'RS1']) {
      const header = encode({ alg, kid: 'second' })
      const secret = createHmac(alg === 'HS512' ? 'sha512' : 'sha256', JSON.stringify(jwk))
      const signature = secret.update(`${header}.${payload}`).digest('base64url')
      expect(await statusFor(`${header}.${payload}.${signature}`)).toBe(401)
      expect(await statusFor(`${header}.${payload}.AA`)).toBe(401)
    }
  })

  test('any token while there is no issuer', async () => {
    await withGate(null, async (gate) => {
      await expect(gate.credential(await token())).rejects.toMatchObject({ statusCode: 401 })
    })
  })
})

describe('the keys of the issuer', () => {
  let own: Issuer
  let options: typeof jwt
  beforeEach(async () => {
    own = await startIssuer()
    options = { ...jwt, jwksUrl: own.url }
    await own.addKey('ES256', 'a')
    return () => own.close()
  })

  const sign = (kid: string) => own.sign({ kid, claims: { tenant_id: tenantId } })

  test('are fetched once for many tokens', async () => {
    await withGate(options, async ({ credential }) => {
      const tokens = await Promise.all(Array.from({ length: 20 }, () => sign('a')))
      await Promise.all(tokens.map(credential))
      expect(own.fetches()).toBe(1)
    })
  })

  test.each<[string, (issuer: Issuer) => void]>([
    ['refuses', (it) => it.answerWith((response) => void response.writeHead(500).end())],
    ['hangs up', (it) => it.answerWith((response) => void response.destroy())],
    ['sends something else', (it) => it.answerWith((response) => void response.end('<html>'))],
    ['sends no list', (it) => it.answerWith((response) => void response.end('{"keys":7}'))],
    ['sends us elsewhere', (it) => it.answerWith((response) => void redirect(response))],
    ['sends without end', (it) => it.answerWith(sendForEver)],
    ['sends a bomb', (it) => it.answerWith(sendBomb)],
  ])('503, not 401, while none are known and the issuer %s', async (_name, fail) => {
    fail(own)
    await withGate(options, async ({ credential }) => {
      const failed = credential(await sign('a'))
      await expect(failed).rejects.toMatchObject({ statusCode: 503 })
      // And nobody is kept waiting for the next try.
      await expect(credential(await sign('a'))).rejects.toMatchObject({ statusCode: 503 })
      expect(own.fetches()).toBe(1)
    })
  })

  describe('by the clock', () => {
    const minuteMs = 60_000
    let now = 0
    const keys = () => createTokenKeys(own.url, door.logger, () => now)
    const header = (kid: string) =>
      [
        { alg: 'ES256', kid },
        { payload: '', signature: '' },
      ] as const

    test('are used on while they cannot be fetched, but not for more than a day', async () => {
      const find = keys()
      await find(...header('a'))
      own.answerWith((response) => void response.writeHead(503).end())
      now += 11 * minuteMs
      await find(...header('a'))
      await expect.poll(own.fetches).toBe(2)
      now += 23 * 60 * minuteMs
      await find(...header('a'))
      now += 60 * minuteMs
      await expect(find(...header('a'))).rejects.toMatchObject({ statusCode: 503 })
      own.answerWith(null)
      now += minuteMs
      await find(...header('a'))
    })

    test('a key that the issuer took away opens nothing more after ten minutes', async () => {
      const find = keys()
      await find(...header('a'))
      own.forgetKeys()
      await own.addKey('ES256', 'b')
      now += 11 * minuteMs
      const isRefused = () =>
        Promise.resolve(find(...header('a'))).then(
          () => false,
          () => true,
        )
      await find(...header('a'))
      await expect.poll(isRefused).toBe(true)
      await find(...header('b'))
    })

    test('a new key is found at once, but whoever makes up keys does not keep us fetching', async () => {
      const find = keys()
      await find(...header('a'))
      await own.addKey('ES256', 'b')
      now += minuteMs
      await find(...header('b'))
      expect(own.fetches()).toBe(2)
      for (let i = 0; i < 50; i++) {
        await expect(find(...header(`made up ${i}`))).rejects.toThrow()
      }
      expect(own.fetches()).toBe(2)
    })
  })

  test('a list with keys that are of no use opens nothing', async () => {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 1_024 })
    const weak = { ...(await exportJWK(publicKey)), kid: 'a', alg: 'RS256' }
    const lists = [
      [weak],
      [{ kty: 'EC', crv: 'P-256', kid: 'a', x: '', y: '' }],
      [{ kty: 'oct', kid: 'a', k: 'AAAA', alg: 'HS256' }],
      [null, 7, { kid: 'a' }],
      [],
    ]
    for (const list of lists) {
      own.answerWith((response) => void response.end(JSON.stringify({ keys: list })))
      await withGate(options, async ({ credential }) => {
        await expect(credential(await sign('a'))).rejects.toMatchObject({
          statusCode: expect.toSatisfy((status) => status === 401 || status === 503),
        })
      })
    }
  })
})

test('no token that was tampered with opens anything, or is our fault', async () => {
  const good = await token()
  const change = fc.tuple(fc.nat({ max: good.length - 1 }), fc.constantFrom('A', '.', '_', '0', ''))
  await withGate(jwt, async ({ credential }) => {
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
        let text = good
        for (const [at, by] of changes) text = text.slice(0, at) + by + text.slice(at + 1)
        if (text === good) return
        // The last character of a part may hold bits that say nothing.
        const outcome = await credential(text).catch((error: unknown) => error)
        if (outcome instanceof Error) expect(outcome).toMatchObject({ statusCode: 401 })
        else expect(text.split('.').slice(0, 2)).toEqual(good.split('.').slice(0, 2))
      }),
      { numRuns: 300 },
    )
  })
})

test('an address that guesses tokens is slowed down', async () => {
  const [header, payload] = (await token()).split('.')
  await withGate(jwt, async ({ authenticate }) => {
    const guess = async (): Promise<unknown> => {
      const signature = randomBytes(256).toString('base64url')
      const guessed = authenticate(`Bearer ${header}.${payload}.${signature}`, '192.0.2.1')
      return guessed.catch((error: unknown) => error)
    }
    const refused = new Set<unknown>()
    while (!refused.has(429)) {
      const errors = await Promise.all(Array.from({ length: 200 }, guess))
      for (const error of errors) refused.add(error instanceof ApiError ? error.statusCode : error)
    }
    expect(refused).toEqual(new Set([401, 429]))
  })
})

/** A gate of its own: another issuer, and nobody who was slowed down before. */
async function withGate(
  options: typeof jwt | null,
  use: (gate: Gate & { credential: (bearer: string) => Promise<unknown> }) => Promise<void>,
): Promise<void> {
  const { db, logger: log } = door
  const rates = { calls: 0, checks: 0 }
  const gate = createGate({ db, jwt: options, redis: null, rates, log, now: () => new Date() })
  let addresses = 0
  const credential = (bearer: string) => {
    addresses++
    const remoteAddress = `2001:db8:${(addresses >> 8).toString(16)}:${(addresses & 255).toString(16)}::1`
    return gate.authenticate(`Bearer ${bearer}`, remoteAddress)
  }
  await use({ ...gate, credential })
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

function redirect(response: import('node:http').ServerResponse): void {
  response.writeHead(302, { location: issuer.url }).end()
}

function sendForEver(response: import('node:http').ServerResponse): void {
  const send = (): void => {
    if (!response.destroyed) response.write(Buffer.alloc(65_536, ' '), () => setImmediate(send))
  }
  send()
}

function sendBomb(response: import('node:http').ServerResponse): void {
  response.setHeader('Content-Encoding', 'gzip').end(gzipSync(Buffer.alloc(50_000_000, ' ')))
}
