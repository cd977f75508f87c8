import { createHash } from 'node:crypto'
import { createEncryption } from '../db/encryption.ts'
import type { Database } from '../db/sql.ts'
import { storageFailure } from '../db/sqlstate.ts'
import type { Log } from '../log.ts'
import type { Credential } from './credential.ts'
import { ApiError, RetryLaterError } from './errors.ts'
import {
  type EarlierRequest,
  findEarlier,
  type KeyedRequest,
  keepAnswer,
  releaseKey,
  reserveKey,
} from './idempotency-keys.ts'
import type { Answer } from './v3/route.ts'

/** A request and the Idempotency-Key that it came with. */
export type Repeatable = {
  credential: Pick<Credential, 'tenantId' | 'countedAs'>
  key: string
  method: string
  /** With the query. */
  path: string
  /** As it came. */
  body: Buffer
}

/**
 * Does the work of a request once, however often it is sent with its key within 24 hours: what was
 * answered is answered again. Work that fails leaves the key free, but for an outage: what was asked
 * may have been done all the same, and nobody else is to begin as long as it may still be going on.
 * @throws ApiError 400 when the key is none or stands for another request, 409 while the work is
 *   being done, and whatever the work throws.
 */
export type AnswerOnce = (request: Repeatable, work: () => Promise<Answer>) => Promise<Answer>

/** For an answer to the same request that is still on its way. */
const retryMs = 1_000

export function createAnswerOnce({
  db,
  secret,
  log,
  now,
}: {
  db: Database
  secret: string
  log: Log
  now: () => Date
}): AnswerOnce {
  const encryption = createEncryption(secret, 'hearback idempotent answers')

  function repeat(keyed: KeyedRequest, earlier: EarlierRequest | null): Answer {
    if (earlier !== null && !earlier.requestHash.equals(keyed.requestHash)) {
      throw new ApiError(400, 'This Idempotency-Key was used for another request')
    }
    // None: it has failed in this moment.
    if (earlier === null || earlier.encryptedAnswer === null) {
      throw new RetryLaterError(409, 'This request is in progress', retryMs)
    }
    const answer = encryption.decrypt(contextOf(keyed), earlier.encryptedAnswer)
    const { headers, ...rest } = JSON.parse(answer.toString('utf8'))
    return { ...rest, headers: { ...headers, 'Idempotent-Replayed': 'true' } }
  }

  async function keep(keyed: KeyedRequest, answer: Answer): Promise<void> {
    if ('chunks' in answer) return release(keyed)
    const content = Buffer.from(JSON.stringify(answer))
    const encrypted = encryption.encrypt(contextOf(keyed), content)
    await db.run((sql) => keepAnswer(sql, keyed, encrypted))
  }

  function release(keyed: KeyedRequest): Promise<void> {
    return db.run((sql) => releaseKey(sql, keyed))
  }

  /** What was done is done: its answer must not be lost over its key, which lapses by itself. */
  const unlessFailed = (err: unknown): void => log.warn({ err }, 'Idempotency-Key was not stored')

  return async (request, work) => {
    const keyed = keyedRequest(request, now())
    if (!(await db.run((sql) => reserveKey(sql, keyed)))) {
      return repeat(keyed, await db.run((sql) => findEarlier(sql, keyed)))
    }
    try {
      const answer = await work()
      await keep(keyed, answer).catch(unlessFailed)
      return answer
    } catch (error) {
      if (storageFailure(error) !== 'outage') await release(keyed).catch(unlessFailed)
      throw error
    }
  }
}

function keyedRequest(
  { credential, key, method, path, body }: Repeatable,
  now: Date,
): KeyedRequest {
  if (!/^[\x20-\x7e]{1,255}$/.test(key)) {
    throw new ApiError(400, 'An Idempotency-Key has 1 to 255 printable characters')
  }
  return {
    tenantId: credential.tenantId,
    keyHash: sha256(`${credential.countedAs} ${key}`),
    requestHash: sha256(`${method} ${path} `, body),
    begunAt: now,
  }
}

function sha256(...parts: (string | Buffer)[]): Buffer {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

function contextOf({ tenantId, keyHash }: KeyedRequest): string {
  return `${tenantId} ${keyHash.toString('hex')}`
}
