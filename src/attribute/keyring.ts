import { randomBytes } from 'node:crypto'
import type { Database, Sql } from '../db/sql.ts'
import { writeKeyExport } from './key-export.ts'
import { deriveSigningKey, type SigningKey } from './signing-key.ts'
import { decryptRoot, encryptRoot } from './stored-root.ts'

/** The signing keys of all tenants. Keys never change, so one that was read is kept. */
export type Keyring = {
  bySlot(tenantId: number, slot: number): Promise<SigningKey | null>
  byId(id: number): Promise<SigningKey | null>
  /** Without asking the database: `null` when it was not read yet. */
  known(id: number): SigningKey | null
  /** The one to sign with; asks each time, so a rotation acts at once, whichever process made it. */
  newest(tenantId: number): Promise<SigningKey | null>
  /** Reads them all. Throws a WrongSecretError when they were stored under another secret. */
  load(): Promise<void>
}

/** Tokens have room for 32 bits, PostgreSQL's integers for 31. */
const maxInteger = 0x7fffffff

/** Only known keys are remembered, so a new one works at once, whichever process made it. */
export function createKeyring(db: Database, secret: string): Keyring {
  const known = new Map<number, SigningKey>()
  const slots = new Map<string, SigningKey>()

  function remember(row: KeyRow): SigningKey {
    const { signingKeyId: id, tenantId, slot, encryptedRoot } = row
    const key =
      known.get(id) ??
      deriveSigningKey({ id, tenantId, slot }, decryptRoot(secret, tenantId, encryptedRoot))
    known.set(id, key)
    slots.set(`${tenantId}/${slot}`, key)
    return key
  }

  async function find(condition: (sql: Sql) => ReturnType<Sql>): Promise<SigningKey | null> {
    const [row] = await db.run((sql) => selectKeys(sql, condition(sql), 1))
    return row ? remember(row) : null
  }

  return {
    async bySlot(tenantId, slot) {
      if (tenantId > maxInteger) return null
      return (
        slots.get(`${tenantId}/${slot}`) ??
        find((sql) => sql`tenant_id = ${tenantId} and slot = ${slot}`)
      )
    },
    async byId(id) {
      if (id > maxInteger) return null
      return known.get(id) ?? find((sql) => sql`signing_key_id = ${id}`)
    },
    known: (id) => known.get(id) ?? null,
    newest: (tenantId) => find((sql) => sql`tenant_id = ${tenantId}`),
    async load() {
      for (const row of await db.run((sql) => selectKeys(sql, sql`true`, null))) remember(row)
    },
  }
}

/** What return paths have room for: one byte. A slot is never used again, its tokens are out. */
export const maxSigningKeys = 256

export type StoredSigningKey = { signingKeyId: number; slot: number; createdAt: Date }

/** Gives a tenant its next key, which signs from now on; `null` when all slots are used. */
export async function addSigningKey(
  sql: Sql,
  secret: string,
  tenantId: number,
): Promise<StoredSigningKey | null> {
  // Of several at once, one after the other: they would want the same slot.
  await sql`select pg_advisory_xact_lock(hashtext('hearback signing keys'), ${tenantId})`
  const root = encryptRoot(secret, tenantId, randomBytes(32))
  const [added] = await sql<StoredSigningKey[]>`
    insert into signing_key (tenant_id, slot, encrypted_root)
    select ${tenantId}, coalesce(max(slot) + 1, 0), ${root}
    from signing_key
    where tenant_id = ${tenantId}
    having coalesce(max(slot) + 1, 0) < ${maxSigningKeys}
    returning signing_key_id, slot, created_at`
  return added ?? null
}

/** Newest first. */
export async function listSigningKeys(sql: Sql, tenantId: number): Promise<StoredSigningKey[]> {
  return sql<StoredSigningKey[]>`
    select signing_key_id, slot, created_at
    from signing_key
    where tenant_id = ${tenantId}
    order by slot desc`
}

/** The newest key of a tenant and what a program needs of it to sign; `null` when it has none. */
export async function exportSigningKey(
  sql: Sql,
  secret: string,
  tenantId: number,
): Promise<{ id: number; slot: number; text: string } | null> {
  const [row] = await selectKeys(sql, sql`tenant_id = ${tenantId}`, 1)
  if (!row) return null
  const { signingKeyId: id, slot, encryptedRoot } = row
  const root = decryptRoot(secret, tenantId, encryptedRoot)
  return { id, slot, text: writeKeyExport({ id, tenantId, slot }, root) }
}

type KeyRow = { signingKeyId: number; tenantId: number; slot: number; encryptedRoot: Buffer }

/** Newest first; `limit` null: all. */
async function selectKeys(
  sql: Sql,
  condition: ReturnType<Sql>,
  limit: number | null,
): Promise<KeyRow[]> {
  return sql<KeyRow[]>`
    select signing_key_id, tenant_id, slot, encrypted_root
    from signing_key
    where ${condition}
    order by slot desc
    limit ${limit}`
}
