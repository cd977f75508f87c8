import { afterAll, beforeAll, expect, test } from 'vitest'
import { createDatabase, type Database } from '../../src/db/sql.ts'
import { erasedForm, erasureKey } from '../../src/feedback/erased-address.ts'
import { createErasure } from '../../src/suppression/erased.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

const secret = 'a secret for tests'
const jane = 'jane@example.com'
let database: TestDatabase
let db: Database
/** Questions to the database. */
let asked = 0

beforeAll(async () => {
  database = await createTestDatabase()
  const real = createDatabase(database.target)
  db = {
    ...real,
    run: (work) => {
      asked += 1
      return real.run(work)
    },
  }
})
afterAll(async () => {
  await db.close()
  await database.drop()
})

async function eraseFor(tenantId: number): Promise<string> {
  const form = erasedForm(erasureKey(secret), tenantId, jane)
  await database.sql`
    insert into erased_address (tenant_id, address, erased_at) values (${tenantId}, ${form}, now())`
  return form
}

test('a tenant who erased somebody costs one question, however much is asked', async () => {
  const form = await eraseFor(1)
  const erasure = createErasure(db, secret)
  asked = 0
  for (let n = 0; n < 100; n++) {
    expect(await erasure.hasErased(1)).toBe(true)
    expect(await erasure.storedForms(1, ['joe@example.com', jane])).toEqual([
      'joe@example.com',
      form,
    ])
    expect(await erasure.hasErased(2)).toBe(false)
  }
  expect(asked).toBe(2)
})

test('who is erased later is noticed within five seconds', async () => {
  const erasure = createErasure(db, secret)
  expect(await erasure.storedForms(3, [jane])).toEqual([jane])
  const form = await eraseFor(3)
  const stored = () => erasure.storedForms(3, [jane])
  await expect.poll(stored, { timeout: 5_500 }).toEqual([form])
}, 10_000)

test('more people than are kept in memory are found all the same', async () => {
  await database.sql`
    insert into erased_address (tenant_id, address, erased_at)
    select 4, 'erased:' || lpad(to_hex(n), 40, '0'), now() from generate_series(1, 100000) as n`
  const form = await eraseFor(4)
  const erasure = createErasure(db, secret)
  expect(await erasure.hasErased(4)).toBe(true)
  expect(await erasure.storedForms(4, [jane, 'joe@example.com'])).toEqual([form, 'joe@example.com'])
})
