import { randomBytes } from 'node:crypto'
import type { Database, Sql } from '../db/sql.ts'
import { decryptRoot, deriveSigningKey, encryptRoot, type SigningKey } from './signing-key.ts'

/** The signing keys of all tenants. Keys never change, so one that was read is kept. */
export type Keyring = {
  bySlot(tenantId: number, slot: number): Promise<SigningKey | null>
  byId(id: number): Promise<SigningKey | null>
  /** The one to sign with. */
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
    const [row] = await db.run((sql) => selectKeys(sql, condition(sql)))
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
    newest: (tenantId) => find((sql) => sql`tenant_id = ${tenantId}`),
    async load() {
      for (const row of await db.run((sql) => selectKeys(sql, sql`true`))) remember(row)
    },
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

type KeyRow = { signingKeyId: number; tenantId: number; slot: number; encryptedRoot: Buffer }

/** Newest first. */
async function selectKeys(sql: Sql, condition: ReturnType<Sql>): Promise<KeyRow[]> {
  return sql<KeyRow[]>`
    select signing_key_id, tenant_id, slot, encrypted_root
    from signing_key
    where ${condition}
    order by slot desc`
}
