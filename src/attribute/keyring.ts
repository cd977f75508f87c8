import { randomBytes } from 'node:crypto'
import type { Database, Sql } from '../db/sql.ts'
import { decryptRoot, deriveSigningKey, encryptRoot, type SigningKey } from './signing-key.ts'

/** The signing keys of all tenants: few rows that hardly change, so all of them are held. */
export type Keyring = {
  bySlot(tenantId: number, slot: number): Promise<SigningKey | null>
  byId(id: number): Promise<SigningKey | null>
  /** The one to sign with. */
  newest(tenantId: number): Promise<SigningKey | null>
  /** Reads them all. Throws a WrongSecretError when they were stored under another secret. */
  load(): Promise<void>
}

/** An unknown key costs a query; a flood of forged tokens costs one a second. */
const refreshMs = 1_000

export function createKeyring(db: Database, secret: string): Keyring {
  let keys: readonly SigningKey[] = []
  let refreshedAt = Number.NEGATIVE_INFINITY
  let refreshing: Promise<void> | null = null

  async function refresh(): Promise<void> {
    const wait = refreshedAt + refreshMs - performance.now()
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
    keys = await db.run((sql) => loadKeys(sql, secret, keys))
    refreshedAt = performance.now()
  }

  function load(): Promise<void> {
    refreshing ??= refresh().finally(() => {
      refreshing = null
    })
    return refreshing
  }

  async function find(match: (key: SigningKey) => boolean): Promise<SigningKey | null> {
    const known = keys.findLast(match)
    if (known) return known
    await load()
    return keys.findLast(match) ?? null
  }

  return {
    bySlot: (tenantId, slot) => find((key) => key.tenantId === tenantId && key.slot === slot),
    byId: (id) => find((key) => key.id === id),
    newest: (tenantId) => find((key) => key.tenantId === tenantId),
    load,
  }
}

/** Gives a tenant its next key. */
export async function addSigningKey(sql: Sql, secret: string, tenantId: number): Promise<void> {
  const root = encryptRoot(secret, tenantId, randomBytes(32))
  await sql`
    insert into signing_key (tenant_id, slot, encrypted_root)
    select ${tenantId}, coalesce(max(slot) + 1, 0), ${root}
    from signing_key
    where tenant_id = ${tenantId}`
}

async function loadKeys(
  sql: Sql,
  secret: string,
  known: readonly SigningKey[],
): Promise<SigningKey[]> {
  const rows = await sql<
    { signingKeyId: number; tenantId: number; slot: number; encryptedRoot: Buffer }[]
  >`
    select signing_key_id, tenant_id, slot, encrypted_root
    from signing_key
    order by signing_key_id`
  const byId = new Map(known.map((key) => [key.id, key]))
  return rows.map(
    ({ signingKeyId: id, tenantId, slot, encryptedRoot }) =>
      byId.get(id) ??
      deriveSigningKey({ id, tenantId, slot }, decryptRoot(secret, tenantId, encryptedRoot)),
  )
}
