import { createServer } from 'node:net'
import { describe, expect, test } from 'vitest'
import { createDatabase, type Database } from '../../src/db/sql.ts'
import { createHttpDoor } from '../../src/http/app.ts'
import { createGate } from '../../src/http/gate.ts'
import { createHttpServer } from '../../src/http/server.ts'
import { createChecker } from '../../src/suppression/check-batches.ts'
import { apiKeyScopes } from '../../src/tenant/api-key.ts'
import { useDoor } from './door.ts'
import { routes } from './routes.ts'
import { sampleRequests } from './sample-request.ts'

const door = useDoor()

async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
  const address = probe.address()
  await new Promise((resolve) => probe.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** A door beside the one of this file, for as long as `use` takes. */
async function withDoor(db: Database, use: (url: string) => Promise<void>): Promise<void> {
  const { now, log } = door.deps
  const rates = { calls: 0, checks: 0 }
  const gate = createGate({ db, jwt: null, redis: null, rates, log, now })
  const checker = createChecker({ db, now })
  const app = createHttpDoor({ ...door.deps, db, gate, checker, clicks })
  const server = createHttpServer({ host: '127.0.0.1', port: 0, maxConnections: 10 }, app)
  const { port } = await server.listen()
  await use(`http://127.0.0.1:${port}`)
  await server.close()
}

const noStorage = () => Promise.reject(new Error('no storage'))
const clicks = {
  processUnsubscribe: noStorage,
  processChoices: noStorage,
  processUndo: noStorage,
}
const unavailable = {
  detail: 'Temporarily unavailable, try again',
  errors: [{ message: 'Temporarily unavailable, try again', field: null, help: null }],
}

describe('503 with Retry-After, and not a word of the database', () => {
  test('when it refuses connections', async () => {
    const db = createDatabase({ ...door.target, host: '127.0.0.1', port: await freePort() })
    const { key } = await door.addTenant()
    await withDoor(db, async (url) => {
      const headers = { authorization: `Bearer ${key}` }
      const reply = await fetch(`${url}/v3/suppression/bounces`, { headers })
      expect(reply.status).toBe(503)
      expect(reply.headers.get('retry-after')).toMatch(/^\d+$/)
      expect(reply.headers.get('x-request-id')).not.toBeNull()
      expect(await reply.json()).toEqual(unavailable)
    })
    await db.close()
  })

  test('when too much is asked at once', async () => {
    const db = createDatabase(door.target, { maxConnections: 1, maxWaiting: 0 })
    const { key } = await door.addTenant()
    await withDoor(db, async (url) => {
      const busy = db.run((sql) => sql`select pg_sleep(1)`)
      const headers = { authorization: `Bearer ${key}` }
      const reply = await fetch(`${url}/v3/suppression/bounces`, { headers })
      expect(reply.status).toBe(503)
      expect(reply.headers.get('retry-after')).toMatch(/^\d+$/)
      expect(await reply.json()).toEqual(unavailable)
      await busy
      expect((await fetch(`${url}/v3/suppression/bounces`, { headers })).status).toBe(200)
    })
    await db.close()
  })

  test('when a click cannot be stored', async () => {
    const { tenantId } = await door.addTenant()
    const token = await door.seal({ tenantId })
    await withDoor(door.db, async (url) => {
      const body = new URLSearchParams({ 'List-Unsubscribe': 'One-Click' })
      const reply = await fetch(`${url}/u/${token}`, { method: 'POST', body })
      expect(reply.status).toBe(503)
      expect(reply.headers.get('retry-after')).toBe('60')
      expect(await reply.text()).not.toContain('storage')
    })
  })

  test('when it goes away, for every call of a known key and for every link', async () => {
    const { tenantId, key } = await door.addTenant({ scopes: [...apiKeyScopes] })
    const token = await door.seal({ tenantId })
    expect((await door.call('GET', '/v3/suppression/bounces', { key })).status).toBe(200)
    await door.dropDatabase()
    for (const { method, path, ...content } of routes.flatMap((route) =>
      sampleRequests(route).slice(0, 1),
    )) {
      const reply = await door.call(method, path, { key, ...content })
      expect([method, path, reply.status]).toEqual([method, path, 503])
      expect(reply.json).toMatchObject({ detail: 'Temporarily unavailable, try again' })
    }
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const body = 'List-Unsubscribe=One-Click'
    const click = await door.call('POST', `/u/${token}`, { headers, body })
    expect(click.status).toBe(503)
    expect(click.text).not.toMatch(/database|postgres/i)
    expect(door.log()).toContain('request failed')
    expect(door.log()).not.toMatch(/(?:listed|nobody)@example\.com|hb1_|hb_live_/)
  })
})
