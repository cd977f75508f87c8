import postgres from 'postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await createTestDatabase()
})

afterAll(async () => {
  await database.drop()
})

test('a test database is migrated, and the same one by its URL', async () => {
  await database.sql`insert into tenant (name) values ('apple')`
  const byUrl = postgres(database.url, { max: 1 })
  expect(await byUrl`select name from tenant`).toEqual([{ name: 'apple' }])
  await byUrl.end()
})

test('two test databases know nothing of each other', async () => {
  const other = await createTestDatabase()
  expect(await other.sql`select name from tenant`).toEqual([])
  await other.drop()
})
