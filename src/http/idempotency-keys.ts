import type { Sql } from '../db/sql.ts'

/** A request that came with an Idempotency-Key, and the moment in which it reserved the key. */
export type KeyedRequest = {
  tenantId: number
  keyHash: Buffer
  requestHash: Buffer
  begunAt: Date
}

/** What came with the same key before; the answer is `null` as long as there is none. */
export type EarlierRequest = { requestHash: Buffer; encryptedAnswer: Buffer | null }

export const keptMs = 24 * 3_600_000
/** Whoever has reserved a key for longer has died over it. */
const reservedMs = 60_000

/** `false` when the key has been used, or is just being used. */
export async function reserveKey(sql: Sql, request: KeyedRequest): Promise<boolean> {
  const { tenantId, keyHash, requestHash, begunAt } = request
  const before = (age: number): Date => new Date(begunAt.getTime() - age)
  const reserved = await sql`
    insert into idempotency_key (tenant_id, key_hash, request_hash, begun_at)
    values (${tenantId}, ${keyHash}, ${requestHash}, ${begunAt})
    on conflict (tenant_id, key_hash) do update
    set request_hash = excluded.request_hash, begun_at = excluded.begun_at, encrypted_answer = null
    where idempotency_key.begun_at <= ${before(keptMs)}
      or (idempotency_key.encrypted_answer is null
        and idempotency_key.begun_at <= ${before(reservedMs)})
    returning 1`
  return reserved.length > 0
}

export async function findEarlier(
  sql: Sql,
  { tenantId, keyHash }: KeyedRequest,
): Promise<EarlierRequest | null> {
  const [row] = await sql<EarlierRequest[]>`
    select request_hash, encrypted_answer
    from idempotency_key
    where tenant_id = ${tenantId} and key_hash = ${keyHash}`
  return row ?? null
}

/** Nothing happens when the reservation has lapsed and somebody else holds the key. */
export async function keepAnswer(
  sql: Sql,
  { tenantId, keyHash, begunAt }: KeyedRequest,
  encryptedAnswer: Buffer,
): Promise<void> {
  await sql`
    update idempotency_key
    set encrypted_answer = ${encryptedAnswer}
    where tenant_id = ${tenantId} and key_hash = ${keyHash} and begun_at = ${begunAt}`
}

export async function releaseKey(
  sql: Sql,
  { tenantId, keyHash, begunAt }: KeyedRequest,
): Promise<void> {
  await sql`
    delete from idempotency_key
    where tenant_id = ${tenantId} and key_hash = ${keyHash} and begun_at = ${begunAt}`
}

/** Deletes up to `limit` keys that are past their time; the number deleted. */
export async function purgeIdempotencyKeys(sql: Sql, now: Date, limit: number): Promise<number> {
  const purged = await sql`
    delete from idempotency_key
    where ctid = any(array(
      select ctid
      from idempotency_key
      where begun_at <= ${new Date(now.getTime() - keptMs)}
      limit ${limit}
      for update skip locked))`
  return purged.count
}
