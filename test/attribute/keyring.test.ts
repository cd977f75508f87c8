import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readKeyExport } from '../../src/attribute/key-export.ts'
import {
  addSigningKey,
  createKeyring,
  exportSigningKey,
  listSigningKeys,
  maxSigningKeys,
} from '../../src/attribute/keyring.ts'
import { readReturnPath, signReturnPath } from '../../src/attribute/return-path-token.ts'
import { WrongSecretError } from '../../src/attribute/stored-root.ts'
import { createDatabase, type Database } from '../../src/db/sql.ts'
import { addTenant } from '../../src/tenant/tenants.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

const secret = 'a secret of the tests, long enough'
const claim = {
  domain: 'bounces.example.com',
  recipient: 'anna@example.net',
  messageReference: null,
  day: 20_778,
}

let database: TestDatabase
let db: Database
let tenants = 0

beforeAll(async () => {
  database = await createTestDatabase()
  db = createDatabase(database.target)
})
afterAll(async () => {
  await db.close()
  await database.drop()
})

async function tenantWithKey(): Promise<number> {
  const { tenantId } = await addTenant(database.sql, `tenant ${++tenants}`)
  await rotate(tenantId)
  return tenantId
}

function rotate(tenantId: number) {
  return db.transaction((sql) => addSigningKey(sql, secret, tenantId))
}

describe('a rotation', () => {
  test('signs with the new key at once, and what the old one signed stays valid', async () => {
    const tenantId = await tenantWithKey()
    // As another process would have it, with everything read that there was to read.
    const keyring = createKeyring(db, secret)
    await keyring.load()
    const old = await keyring.newest(tenantId)
    const added = await rotate(tenantId)
    const newest = await keyring.newest(tenantId)
    expect(newest).toMatchObject({ id: added?.signingKeyId, slot: 1 })
    for (const key of [old, newest]) {
      const localPart = key ? signReturnPath(key, claim) : ''
      expect(await readReturnPath(localPart, claim.domain, keyring.bySlot)).toMatchObject({
        tenantId,
        key: { slot: key?.slot },
      })
      expect(await keyring.byId(key?.id ?? 0)).toEqual(key)
    }
  })

  test('several at once get a slot each', async () => {
    const tenantId = await tenantWithKey()
    await Promise.all(Array.from({ length: 8 }, () => rotate(tenantId)))
    const keys = await listSigningKeys(database.sql, tenantId)
    expect(keys.map(({ slot }) => slot)).toEqual([8, 7, 6, 5, 4, 3, 2, 1, 0])
  })

  test('no slot is used twice: the 257th key is refused, and the newest goes on signing', async () => {
    const tenantId = await tenantWithKey()
    await database.sql`
      insert into signing_key (tenant_id, slot, encrypted_root)
      select tenant_id, slots.slot, encrypted_root
      from signing_key, generate_series(1, ${maxSigningKeys - 2}) as slots (slot)
      where tenant_id = ${tenantId}`
    expect(await rotate(tenantId)).toMatchObject({ slot: 255 })
    expect(await rotate(tenantId)).toBeNull()
    expect(await listSigningKeys(database.sql, tenantId)).toHaveLength(maxSigningKeys)
    expect(await createKeyring(db, secret).newest(tenantId)).toMatchObject({ slot: 255 })
  })
})

test('an exported key is the newest, and signs as it does', async () => {
  const tenantId = await tenantWithKey()
  await rotate(tenantId)
  const exported = await exportSigningKey(database.sql, secret, tenantId)
  expect(exported).toMatchObject({ slot: 1 })
  expect(readKeyExport(exported?.text ?? '')).toEqual(
    await createKeyring(db, secret).newest(tenantId),
  )
})

test('a tenant without a key, and numbers beyond the database, have none', async () => {
  const { tenantId } = await addTenant(database.sql, 'without a key')
  const keyring = createKeyring(db, secret)
  expect(await keyring.newest(tenantId)).toBeNull()
  expect(await exportSigningKey(database.sql, secret, tenantId)).toBeNull()
  for (const id of [0, 0x7fffffff, 0x80000000, 0xffffffff]) {
    expect(await keyring.byId(id)).toBeNull()
    expect(await keyring.bySlot(id, 0)).toBeNull()
  }
})

test('a key cannot be read under another secret, nor as that of another tenant', async () => {
  const [one, other] = [await tenantWithKey(), await tenantWithKey()]
  await expect(createKeyring(db, `${secret}!`).newest(one)).rejects.toThrow(WrongSecretError)
  await database.sql`
    update signing_key set encrypted_root = (
      select encrypted_root from signing_key where tenant_id = ${one})
    where tenant_id = ${other}`
  await expect(createKeyring(db, secret).newest(other)).rejects.toThrow(WrongSecretError)
})
