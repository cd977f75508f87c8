import type { webcrypto } from 'node:crypto'
import { createServer, type ServerResponse } from 'node:http'
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'

export type Issuer = {
  /** Of its keys. */
  url: string
  issuer: string
  audience: string
  /** How often the keys were fetched. */
  fetches: () => number
  /** What stands at the URL from now on; `null`: the keys. */
  answerWith: (answer: ((response: ServerResponse) => void) | null) => void
  addKey: (algorithm: string, kid: string) => Promise<JWK>
  /** Takes all keys away. */
  forgetKeys: () => void
  sign: (options?: SignOptions) => Promise<string>
  close: () => Promise<void>
}

export type SignOptions = {
  kid?: string
  /** Beside and instead of good ones; `undefined` leaves one out. */
  claims?: Record<string, unknown>
  header?: Record<string, unknown>
}

type SigningKey = { algorithm: string; privateKey: webcrypto.CryptoKey; jwk: JWK }

/** Signs tokens and publishes its keys, as an identity provider does. */
export async function startIssuer(): Promise<Issuer> {
  const keys = new Map<string, SigningKey>()
  let fetches = 0
  let answer: ((response: ServerResponse) => void) | null = null
  const server = createServer((_request, response) => {
    fetches++
    if (answer !== null) return answer(response)
    const body = { keys: [...keys.values()].map(({ jwk }) => jwk) }
    response.setHeader('Content-Type', 'application/json').end(JSON.stringify(body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : 0
  const names = { issuer: 'https://id.example.com', audience: 'hearback' }

  return {
    ...names,
    url: `http://127.0.0.1:${port}/jwks`,
    fetches: () => fetches,
    answerWith: (next) => {
      answer = next
    },
    async addKey(algorithm, kid) {
      const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true })
      const jwk = { ...(await exportJWK(publicKey)), kid, alg: algorithm, use: 'sig' }
      keys.set(kid, { algorithm, privateKey, jwk })
      return jwk
    },
    forgetKeys: () => keys.clear(),
    async sign({ kid = [...keys.keys()][0] ?? '', claims = {}, header = {} } = {}) {
      const key = keys.get(kid)
      if (key === undefined) throw new Error(`there is no key ${kid}`)
      const now = Math.floor(Date.now() / 1_000)
      return new SignJWT({
        iss: names.issuer,
        aud: names.audience,
        sub: 'newsletter-service',
        iat: now,
        exp: now + 300,
        ...claims,
      })
        .setProtectedHeader({ alg: key.algorithm, kid, ...header })
        .sign(key.privateKey, { crit: { urgent: true } })
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
