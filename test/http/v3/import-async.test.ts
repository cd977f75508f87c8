import { type ClientRequest, request } from 'node:http'
import { afterEach, describe, expect, test } from 'vitest'
import { createDatabase, type Database } from '../../../src/db/sql.ts'
import { type Importer, startImporter } from '../../../src/importer.ts'
import { createErasure } from '../../../src/suppression/erased.ts'
import { lockWaiters } from '../../suppression/entries.ts'
import { useDoor } from '../door.ts'

const door = useDoor()

const bounces = '/v3/suppression/bounces'
const patience = { timeout: 20_000 }

type Job = {
  id: string
  state: string
  rows: number
  imported: number
  skipped: number
  error_count: number
  errors: { row: number }[]
}

const importers: Importer[] = []
afterEach(async () => {
  await Promise.all(importers.splice(0).map((importer) => importer.close()))
})

/** As a daemon has one. */
function startWorker(db: Database = door.db): Importer {
  const importer = startImporter({
    db,
    erasure: createErasure(db, door.secret),
    log: door.logger,
    now: () => new Date(),
  })
  importers.push(importer)
  return importer
}

async function send(key: string, body: string, path = `${bounces}/import`) {
  const headers = { 'content-type': 'text/csv', prefer: 'respond-async, wait=10' }
  return door.call('POST', path, { key, body, headers })
}

async function queued(key: string, body: string): Promise<Job> {
  const reply = await send(key, body)
  expect(reply.status).toBe(202)
  return reply.json as Job
}

const show = async (key: string, id: string) =>
  (await door.call('GET', `/v3/imports/${id}`, { key })).json as Job

async function ended(key: string, id: string): Promise<Job> {
  const state = async () => (await show(key, id)).state
  await expect.poll(state, patience).toMatch(/finished|failed|cancelled/)
  return show(key, id)
}

async function listedCount(tenantId: number): Promise<number> {
  const [row] = await door.sql<{ entries: number }[]>`
    select count(*)::int as entries from suppression where tenant_id = ${tenantId}`
  return row?.entries ?? 0
}

/** One whose body goes on. */
function upload(key: string): ClientRequest {
  const call = request({
    port: door.port,
    host: '127.0.0.1',
    method: 'POST',
    path: `${bounces}/import`,
    headers: {
      authorization: `Bearer ${key}`,
      'content-type': 'text/csv',
      prefer: 'respond-async',
    },
  })
  call.on('error', () => undefined)
  return call
}

async function chunkCount(tenantId: number): Promise<number> {
  return (await door.sql`select 1 from import_chunk where tenant_id = ${tenantId}`).length
}

const addresses = (count: number) => Array.from({ length: count }, (_, n) => `u${n}@example.com`)

describe('Prefer: respond-async', () => {
  test('answers when the file is there, and works it off afterwards', async () => {
    const { tenantId, key } = await door.addTenant()
    const reply = await send(key, ['email', 'nobody', ...addresses(3), 'u1@example.com'].join('\n'))
    expect(reply.status).toBe(202)
    const { id } = reply.json as Job
    expect(reply.headers.get('location')).toBe(`/v3/imports/${id}`)
    expect(reply.headers.get('preference-applied')).toBe('respond-async')
    expect(reply.json).toMatchObject({ state: 'queued', list: 'bounces', rows: 0, errors: [] })
    expect(await listedCount(tenantId)).toBe(0)
    startWorker()
    expect(await ended(key, id)).toMatchObject({
      state: 'finished',
      rows: 5,
      imported: 3,
      skipped: 1,
      error_count: 1,
      errors: [{ row: 2, email: 'nobody', error: 'Invalid email format' }],
      rows_per_second: expect.any(Number),
      finished_at: expect.any(String),
    })
    expect(await listedCount(tenantId)).toBe(3)
    const [audit] = await door.sql`
      select actor_kind, entries, detail from audit_entry where tenant_id = ${tenantId}`
    expect(audit).toMatchObject({ actorKind: 'api-key', entries: 3, detail: { complete: true } })
    const left = async () => (await door.sql`select 1 from import_chunk`).length
    await expect.poll(left, patience).toBe(0)
  })

  test('shows what no database stores in a row that is wrong, and imports the others', async () => {
    const { key } = await door.addTenant()
    const { id } = await queued(key, 'email\nno\0body\na@example.com')
    startWorker()
    expect(await ended(key, id)).toMatchObject({
      state: 'finished',
      imported: 1,
      errors: [{ row: 2, email: 'no\ufffdbody', error: 'Invalid email format' }],
    })
  })

  test('is for groups too, and for events', async () => {
    const { tenantId, key } = await door.addTenant()
    const made = await door.call('POST', '/v3/asm/groups', { key, json: { name: 'News' } })
    const group = (made.json as { id: number }).id
    const path = `/v3/asm/groups/${group}/suppressions/import?events=true`
    const { id } = (await send(key, 'a@example.com', path)).json as Job
    startWorker()
    expect(await ended(key, id)).toMatchObject({
      state: 'finished',
      list: 'group_unsubscribes',
      group_id: group,
      imported: 1,
    })
    const events = await door.sql`select address from outbox where tenant_id = ${tenantId}`
    expect(events.map(({ address }) => address)).toEqual(['a@example.com'])
  })

  test('refuses at once what is no such file', async () => {
    const { key } = await door.addTenant()
    expect((await send(key, '')).status).toBe(400)
    expect((await send(key, 'name\nJane')).status).toBe(400)
    expect((await send(key, 'email', '/v3/asm/groups/99/suppressions/import')).status).toBe(404)
    expect((await door.call('GET', '/v3/imports', { key })).json).toEqual({ imports: [], total: 0 })
  })

  test('of a group that is deleted meanwhile fails, and says why', async () => {
    const { key } = await door.addTenant()
    const made = await door.call('POST', '/v3/asm/groups', { key, json: { name: 'News' } })
    const group = (made.json as { id: number }).id
    const path = `/v3/asm/groups/${group}/suppressions/import`
    const { id } = (await send(key, 'a@example.com', path)).json as Job
    await door.call('DELETE', `/v3/asm/groups/${group}`, { key })
    startWorker()
    expect(await ended(key, id)).toMatchObject({
      state: 'failed',
      errors: [{ row: 1, email: '', error: `there is no group ${group}` }],
    })
  })

  test('keeps nothing of a file that does not arrive whole', async () => {
    const { tenantId, key } = await door.addTenant()
    const call = upload(key)
    call.write(`${addresses(60_000).join('\n')}\n`)
    const chunks = () => chunkCount(tenantId)
    await expect.poll(chunks, patience).toBeGreaterThan(0)
    expect((await door.call('GET', '/v3/imports', { key })).json).toEqual({ imports: [], total: 0 })
    call.destroy()
    const isGivenUp = async () =>
      (
        await door.sql`
          select 1 from import_job where tenant_id = ${tenantId} and lease_until <= now()`
      ).length
    await expect.poll(isGivenUp, patience).toBe(1)
    startWorker()
    await expect.poll(chunks, patience).toBe(0)
    expect(await listedCount(tenantId)).toBe(0)
  })

  test('waits for a file that comes slowly, as long as it comes', async () => {
    const { tenantId, key } = await door.addTenant()
    const call = upload(key)
    call.write('email\n')
    const setLease = () => door.sql`
      update import_job set lease_until = now() + interval '12 seconds'
      where tenant_id = ${tenantId} returning 1`
    await expect.poll(async () => (await setLease()).length, patience).toBe(1)
    const isRenewed = async () =>
      (
        await door.sql`
          select 1 from import_job
          where tenant_id = ${tenantId} and lease_until > now() + interval '20 seconds'`
      ).length
    await expect.poll(isRenewed, patience).toBe(1)
    const answer = new Promise<number | undefined>((resolve) => {
      call.on('response', (response) => resolve(response.statusCode))
    })
    call.end('a@example.com\n')
    expect(await answer).toBe(202)
  }, 30_000)

  test('never accepts a file of which a part was thrown away meanwhile', async () => {
    const { tenantId, key } = await door.addTenant()
    const call = upload(key)
    call.write(`${addresses(60_000).join('\n')}\n`)
    await expect.poll(() => chunkCount(tenantId), patience).toBe(2)
    // As if the database had not answered for longer than a lease.
    await door.sql`update import_job set lease_until = now() where tenant_id = ${tenantId}`
    startWorker()
    await expect.poll(() => chunkCount(tenantId), patience).toBe(0)
    const answer = new Promise<number | undefined>((resolve) => {
      call.on('response', (response) => resolve(response.statusCode))
    })
    call.end('a@example.com\n')
    expect(await answer).toBe(503)
    expect(await chunkCount(tenantId)).toBe(0)
  })

  test('says so when a part of the file is gone', async () => {
    const { tenantId, key } = await door.addTenant()
    const { id } = await queued(key, addresses(60_000).join('\n'))
    await door.sql`delete from import_chunk where tenant_id = ${tenantId} and position = 1`
    startWorker()
    expect(await ended(key, id)).toMatchObject({
      state: 'failed',
      errors: [{ row: 1, email: '', error: 'A part of the file is gone: send it again' }],
    })
  })

  test('takes no more than twenty at a time, and counts none that came to nothing', async () => {
    const { tenantId, key } = await door.addTenant()
    await door.sql`
      insert into import_job (
        tenant_id, import_job_id, list, bounce_class, tells_each, actor_kind, actor_id, state,
        created_at, lease_until)
      select ${tenantId}, gen_random_uuid(), 'bounces', 'hard', false, 'api-key', 'k', 'receiving',
        now(), now() + n * interval '1 hour'
      from generate_series(-19, 0) as n`
    const { id } = await queued(key, 'a@example.com')
    await door.sql`
      update import_job set lease_until = now() + interval '1 hour'
      where tenant_id = ${tenantId} and import_job_id <> ${id}`
    const refused = await send(key, 'a@example.com')
    expect(refused.status).toBe(429)
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    await door.sql`delete from import_job where tenant_id = ${tenantId}`
  })
})

describe('an import under way', () => {
  test('is one of the tenant’s own', async () => {
    const { key } = await door.addTenant()
    const other = await door.addTenant()
    const { id } = await queued(key, 'a@example.com')
    const { imports } = (await door.call('GET', '/v3/imports', { key })).json as { imports: Job[] }
    expect(imports.map((job) => job.id)).toEqual([id])
    for (const method of ['GET', 'DELETE']) {
      const reply = await door.call(method, `/v3/imports/${id}`, { key: other.key })
      expect(reply.status).toBe(404)
    }
    expect((await door.call('GET', '/v3/imports/7', { key })).status).toBe(400)
    await door.call('DELETE', `/v3/imports/${id}`, { key })
  })

  test('that waits can be cancelled: nothing is imported', async () => {
    const { tenantId, key } = await door.addTenant()
    const { id } = await queued(key, 'a@example.com')
    const cancel = () => door.call('DELETE', `/v3/imports/${id}`, { key })
    expect((await cancel()).status).toBe(204)
    expect((await cancel()).status).toBe(204)
    startWorker()
    expect(await show(key, id)).toMatchObject({ state: 'cancelled', imported: 0 })
    const chunks = async () =>
      (await door.sql`select 1 from import_chunk where tenant_id = ${tenantId}`).length
    await expect.poll(chunks, patience).toBe(0)
    expect(await listedCount(tenantId)).toBe(0)
  })

  test('can be cancelled in the middle: what was imported stays and is counted', async () => {
    const { tenantId, key } = await door.addTenant()
    const { id } = await queued(key, addresses(20_000).join('\n'))
    // Somebody is just adding one of them: its batch has to wait.
    await door.sql.begin(async (sql) => {
      await sql`
        insert into suppression (tenant_id, address, list, created_at, origin)
        values (${tenantId}, 'u12345@example.com', 'bounces', now(), 'api')`
      startWorker()
      await expect.poll(() => listedCount(tenantId), patience).toBeGreaterThan(0)
      await lockWaiters(door.sql, 1)
      expect((await door.call('DELETE', `/v3/imports/${id}`, { key })).status).toBe(204)
    })
    await importers.pop()?.close()
    const job = await show(key, id)
    expect(job.state).toBe('cancelled')
    expect(job.imported).toBeLessThan(20_000)
    expect(await listedCount(tenantId)).toBe(job.imported + 1)
    const [audit] = await door.sql`
      select entries, detail from audit_entry
      where tenant_id = ${tenantId} and action = 'suppression.import'`
    expect(audit).toMatchObject({ entries: job.imported, detail: { complete: false } })
  })
})

describe('a worker that stops in the middle', () => {
  const file = addresses(20_000).map((address, n) => (n % 10 === 0 ? `wrong ${n}` : address))

  test('is followed by another, and every row counts once', async () => {
    const { tenantId, key } = await door.addTenant()
    const { id } = await queued(key, file.join('\n'))
    for (let worker = 0; (await show(key, id)).state !== 'finished' && worker < 30; worker++) {
      const before = (await show(key, id)).rows
      const importer = startWorker()
      await expect.poll(async () => (await show(key, id)).rows, patience).not.toBe(before)
      await importer.close()
    }
    expect(await show(key, id)).toMatchObject({
      state: 'finished',
      rows: 20_000,
      imported: 18_000,
      skipped: 0,
      error_count: 2_000,
    })
    expect((await show(key, id)).errors.map(({ row }) => row)).toEqual(
      Array.from({ length: 1_000 }, (_, n) => n * 10 + 1),
    )
    expect(await listedCount(tenantId)).toBe(18_000)
    expect((await door.call('GET', `${bounces}?limit=1`, { key })).json).toMatchObject({
      total: 18_000,
    })
    const audits = await door.sql`select entries from audit_entry where tenant_id = ${tenantId}`
    expect([...audits]).toEqual([{ entries: 18_000 }])
  })

  test('with its connections cut at any moment, as by kill -9, loses and doubles nothing', async () => {
    const { tenantId, key } = await door.addTenant()
    const { id } = await queued(key, file.join('\n'))
    const db = createDatabase({ ...door.target }, { settings: { application_name: 'victim' } })
    startWorker(db)
    for (let cuts = 0; cuts < 8; cuts++) {
      await new Promise((resolve) => setTimeout(resolve, 150))
      await door.sql`
        select pg_terminate_backend(pid) from pg_stat_activity
        where application_name = 'victim' and datname = current_database()`
      // Whoever follows does not wait for the lease of the one who was cut.
      await door.sql`update import_job set lease_until = now() where import_job_id = ${id}`
    }
    expect(await ended(key, id)).toMatchObject({
      state: 'finished',
      rows: 20_000,
      imported: 18_000,
      skipped: 0,
      error_count: 2_000,
    })
    expect(await listedCount(tenantId)).toBe(18_000)
    await importers.pop()?.close()
    await db.close()
  })

  test('and comes back when another has gone on with it writes nothing any longer', async () => {
    const { tenantId, key } = await door.addTenant()
    const { id } = await queued(key, file.join('\n'))
    // Two that both believe to have it: the lease of the first was taken away.
    startWorker()
    await expect.poll(async () => (await show(key, id)).state, patience).not.toBe('queued')
    await door.sql`update import_job set lease_until = now() where import_job_id = ${id}`
    const db = createDatabase(door.target)
    startWorker(db)
    expect(await ended(key, id)).toMatchObject({ rows: 20_000, imported: 18_000, skipped: 0 })
    expect(await listedCount(tenantId)).toBe(18_000)
    await Promise.all(importers.splice(0).map((importer) => importer.close()))
    await db.close()
  })
})

test('imports that ended long ago are forgotten', async () => {
  const { tenantId, key } = await door.addTenant()
  const { id } = await queued(key, 'a@example.com')
  startWorker()
  await ended(key, id)
  await importers.pop()?.close()
  await door.sql`
    update import_job set finished_at = now() - interval '31 days' where tenant_id = ${tenantId}`
  startWorker()
  const jobs = async () => (await door.call('GET', '/v3/imports', { key })).json
  await expect.poll(jobs, patience).toEqual({ imports: [], total: 0 })
})
