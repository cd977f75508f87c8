import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { type RunningDaemon, startDaemon } from '../support/daemon.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { apiKey, get, secret } from './api.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.drop())

const rows = 30_000
const patience = { timeout: 25_000 }

async function start(): Promise<RunningDaemon> {
  const daemon = await startDaemon({
    DATABASE_URL: database.url,
    HEARBACK_SECRET: secret,
    HEARBACK_BOOTSTRAP_API_KEY: apiKey,
  })
  onTestFinished(async () => void (await daemon.kill()))
  return daemon
}

test('kill -9 while an import is worked off, three times: every row counts once', async () => {
  let daemon = await start()
  const file = Array.from({ length: rows }, (_, n) => `u${n}@example.com,reason ${n}`)
  const response = await fetch(
    `http://${daemon.http.host}:${daemon.http.port}/v3/suppression/bounces/import`,
    {
      method: 'POST',
      headers: {
        authorization: `Bearer ${apiKey}`,
        'content-type': 'text/csv',
        prefer: 'respond-async',
      },
      body: ['email,reason', ...file].join('\n'),
    },
  )
  expect(response.status).toBe(202)
  const path = response.headers.get('location') ?? ''
  const job = async () => (await get<Record<string, unknown>>(daemon, path)).body
  for (let kills = 0; kills < 3; kills++) {
    const { rows: before } = await job()
    const isOn = async () => {
      const { state, rows: done } = await job()
      return state === 'finished' || done !== before
    }
    await expect.poll(isOn, patience).toBe(true)
    await daemon.kill()
    // As if its lease had ended.
    await database.sql`update import_job set lease_until = now() where state = 'running'`
    daemon = await start()
  }
  await expect.poll(async () => (await job())['state'], patience).toBe('finished')
  expect(await job()).toMatchObject({ rows, imported: rows, skipped: 0, error_count: 0 })
  const list = await get<{ total: number }>(daemon, '/v3/suppression/bounces?limit=1')
  expect(list.body.total).toBe(rows)
  await daemon.stop()
}, 120_000)
