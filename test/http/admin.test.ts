import { afterAll, beforeAll, expect, test } from 'vitest'
import { createAdminServer } from '../../src/http/admin.ts'
import type { HttpServer } from '../../src/http/server.ts'
import { useDoor } from './door.ts'

const door = useDoor()
let server: HttpServer
let url: string
let draining = false

beforeAll(async () => {
  server = createAdminServer(
    { host: '127.0.0.1', port: 0 },
    { db: door.db, registry: door.registry, isDraining: () => draining, log: door.logger },
  )
  url = `http://127.0.0.1:${(await server.listen()).port}`
})
afterAll(() => server.close())

test('/healthz is 200 while the process lives', async () => {
  const reply = await fetch(`${url}/healthz?probe=1`)
  expect([reply.status, await reply.json()]).toEqual([200, { status: 'ok' }])
})

test('/metrics is what Prometheus reads', async () => {
  const reply = await fetch(`${url}/metrics`)
  expect(reply.headers.get('content-type')).toContain('text/plain')
  expect(await reply.text()).toContain('# TYPE hearback_outcomes_total counter')
})

test('404 and 405 for all else', async () => {
  expect((await fetch(`${url}/v3/suppression/bounces`)).status).toBe(404)
  expect((await fetch(`${url}/healthz`, { method: 'POST' })).status).toBe(405)
  const head = await fetch(`${url}/healthz`, { method: 'HEAD' })
  expect([head.status, await head.text()]).toEqual([200, ''])
})

test('/readyz is 200 while the database answers, 503 on the way out and without it', async () => {
  const ready = async () => {
    const reply = await fetch(`${url}/readyz`)
    return [reply.status, await reply.json()]
  }
  expect(await ready()).toEqual([200, { status: 'ok', checks: { database: 'ok', draining: 'no' } }])
  draining = true
  const checks = { database: 'ok', draining: 'yes' }
  expect(await ready()).toEqual([503, { status: 'unavailable', checks }])
  draining = false
  await door.dropDatabase()
  const without = { database: 'failed', draining: 'no' }
  expect(await ready()).toEqual([503, { status: 'unavailable', checks: without }])
})
