import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose'
import type { Log } from '../log.ts'
import { ApiError } from './errors.ts'

/** Fetched again in the background when they are older, and while that fails, used none the less. */
const freshMs = 10 * 60_000
/** Older ones are not used: the issuer may have withdrawn a key that was stolen. */
const usableMs = 24 * 3_600_000
/** Between two fetches, whoever asks for whatever key. */
const pauseMs = 10_000
const timeoutMs = 3_000
const maxBytes = 256 * 1024

/**
 * The keys of the issuer (RFC 7517), from this URL and from nowhere else. What it returns throws an
 * ApiError 503 when there are none to be had, and jose's errors when none fits. `now` is a monotonic
 * clock, in milliseconds.
 */
export function createTokenKeys(url: string, log: Log, now: () => number): JWTVerifyGetKey {
  let known: { find: JWTVerifyGetKey; at: number } | null = null
  let nextFetchAt = Number.NEGATIVE_INFINITY
  let fetching: Promise<void> | null = null

  function refresh(): Promise<void> {
    if (fetching === null && now() >= nextFetchAt) {
      nextFetchAt = now() + pauseMs
      fetching = replaceKeys().finally(() => {
        fetching = null
      })
    }
    return fetching ?? Promise.resolve()
  }

  async function replaceKeys(): Promise<void> {
    try {
      known = { find: createLocalJWKSet(await fetchKeys(url)), at: now() }
    } catch (err) {
      log.warn({ err, url }, 'the keys of JSON Web Tokens cannot be fetched')
    }
  }

  function usable(): JWTVerifyGetKey | null {
    return known !== null && now() - known.at < usableMs ? known.find : null
  }

  return async (header, token) => {
    if (known === null || now() - known.at >= freshMs) {
      const refreshed = refresh()
      if (usable() === null) await refreshed
    }
    const find = usable()
    if (find === null) throw new ApiError(503, 'Temporarily unavailable, try again')
    try {
      return await find(header, token)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
      await refresh()
      return (usable() ?? find)(header, token)
    }
  }
}

/** Whatever it is that is there: only createLocalJWKSet looks at it. */
async function fetchKeys(url: string): Promise<JSONWebKeySet> {
  const response = await fetch(url, {
    redirect: 'error',
    headers: { accept: 'application/jwk-set+json, application/json' },
    signal: AbortSignal.timeout(timeoutMs),
  })
  if (response.status !== 200) throw new Error(`the answer is ${response.status}`)
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length
    if (bytes > maxBytes) throw new Error(`the answer has more than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return JSON.parse(Buffer.concat(chunks).toString('utf8'))
}
