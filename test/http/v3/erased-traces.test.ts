import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { uuidv7 } from 'uuidv7'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { erase } from '../../../src/erase.ts'
import { startImporter } from '../../../src/importer.ts'
import { createErasure } from '../../../src/suppression/erased.ts'
import { addInboundDomain } from '../../../src/tenant/inbound-domains.ts'
import { useDoor } from '../door.ts'

const door = useDoor()
const jane = 'jane@example.com'
const gone = 'gone@example.com'
const goneLater = 'gone-later@example.com'
/** What somebody wrote down before it was known that he was to be erased. */
const large = 'large@example.com'
const bounces = '/v3/suppression/bounces'
let tenantId: number
let key: string
/** Of an import with a line that is wrong and mentions Jane. */
let importId: string

beforeAll(async () => {
  ;({ tenantId, key } = await door.addTenant())
  const domain = { domain: 'bounces.test', accepts: 'any' as const, roleAddresses: [] }
  await addInboundDomain(door.sql, { ...domain, tenantId })
  for (const email of [jane, gone, goneLater]) await add({ email })
  importId = await importWrong()
  await deliver(Buffer.concat([Buffer.from('Subject: ?\r\n\r\n'), binaryAbout(large)]))
  const erasing = Promise.all([
    ...[jane, gone, goneLater].map((address) => forget(address, 6_500)),
    forget(large, 0),
  ])
  // The door has not noticed yet, then it has.
  await sleep(200)
  await remove(gone)
  await sleep(5_300)
  await remove(goneLater)
  await erasing
}, 30_000)

async function forget(address: string, settleMs: number): Promise<void> {
  const deps = { db: door.db, secret: door.secret, now: () => new Date(), settleMs }
  const by = {
    actor: { kind: 'command', id: 'operator', name: null },
    reason: null,
    requestId: null,
  } as const
  await erase(deps, { address, tenantIds: [tenantId], strangers: [] }, by)
}

async function add(json: object, headers: Record<string, string> = {}): Promise<void> {
  expect(await door.call('POST', bounces, { key, json, headers })).toMatchObject({ status: 201 })
}

async function remove(address: string): Promise<void> {
  expect(await door.call('DELETE', `${bounces}/${address}`, { key })).toMatchObject({ status: 204 })
}

async function deliver(raw: Buffer | string): Promise<void> {
  const envelope = {
    mailFrom: '',
    rcptTo: ['bounces@bounces.test'],
    helo: 'mx',
    remoteAddress: '192.0.2.1',
    tls: true,
  }
  const message = { id: uuidv7(), receivedAt: new Date(), envelope, raw: Buffer.from(raw) }
  await door.pipeline.processMessage(message)
}

/** Three mebibytes, with an address where the first one ends. */
function binaryAbout(address: string): Buffer {
  const bytes = randomBytes(3 * 1024 * 1024)
  bytes.write(` ${address} `, 1024 * 1024 - 24)
  return bytes
}

/** Two lines that are wrong; the id of the import. */
async function importWrong(): Promise<string> {
  const headers = { 'content-type': 'text/csv', prefer: 'respond-async' }
  const body = `email,bounce_type\n${jane},wrong\nJane <${jane}> Doe,hard\nnobody,hard\n`
  const { json } = await door.call('POST', `${bounces}/import`, { key, body, headers })
  const importer = startImporter({
    db: door.db,
    erasure: createErasure(door.db, door.secret),
    log: door.logger,
    now: () => new Date(),
  })
  const { id } = json as { id: string }
  const isFinished = async () => expect(await show(id)).toMatchObject({ state: 'finished' })
  await vi.waitFor(isFinished, { timeout: 10_000 })
  await importer.close()
  return id
}

const show = async (id: string) => (await door.call('GET', `/v3/imports/${id}`, { key })).json

async function isSuppressed(address: string): Promise<boolean> {
  const { json } = await door.call('GET', `/v3/suppression/check/${address}`, { key })
  return (json as { results: { suppressed: boolean }[] }).results[0]?.suppressed === true
}

describe('of a person who was erased', () => {
  test('the words of a client are not written down', async () => {
    const reason = `550 5.1.1 <${jane}>: rejected`
    await add({ email: jane, reason }, { 'x-audit-reason': 'Jane rang us' })
    await add({ email: 'other@example.com', reason: 'kept' }, { 'x-audit-reason': 'Joe rang us' })
    const rows = await door.sql`
      select reason from feedback where tenant_id = ${tenantId} and reason is not null
      union all
      select reason from suppression where tenant_id = ${tenantId} and reason is not null
      union all
      select reason from audit_entry where tenant_id = ${tenantId} and reason is not null`
    expect(rows.map((row) => row['reason'])).toEqual(['kept', 'kept', 'Joe rang us'])
  })

  test('no vacation notice is kept, not even one without a sender in its envelope', async () => {
    await deliver(`From: Jane <${jane}>\r\nAuto-Submitted: auto-replied\r\n\r\nI am away`)
    const raws = await door.sql`
      select 1 from raw_message where encode(raw, 'escape') like '%I am away%'`
    expect(raws).toHaveLength(0)
  })

  test('a click on an old link does not tell of which mail the link was', async () => {
    const messageReference = Buffer.alloc(8, 7).toString('hex')
    const token = await door.seal({ tenantId, recipient: jane, messageReference })
    const clicked = await fetch(`${door.url}/u/${token}`, {
      method: 'POST',
      body: new URLSearchParams({ 'List-Unsubscribe': 'One-Click' }),
    })
    expect(clicked.status).toBe(200)
    const rows = await door.sql`
      select message_reference from feedback where tenant_id = ${tenantId} and via = 'one-click'`
    expect(rows).toEqual([{ messageReference: null }])
  })

  test('lines of files that were wrong are not shown: not of old files, nor of new ones', async () => {
    for (const id of [importId, await importWrong()]) {
      expect(await show(id)).toMatchObject({
        errors: [
          { row: 2, email: '' },
          { row: 3, email: '' },
          { row: 4, email: 'nobody' },
        ],
      })
    }
  })

  test('it is found in large mail that is no text, wherever it stands', async () => {
    const raws = await door.sql`
      select 1 from raw_message where octet_length(raw) > 1024 * 1024`
    expect(raws).toHaveLength(0)
  })
})

test('whoever is taken off a list while he is erased does not come back', async () => {
  expect(await isSuppressed(gone)).toBe(false)
  expect(await isSuppressed(goneLater)).toBe(false)
  expect(await isSuppressed(jane)).toBe(true)
  const [counted] = await door.sql`
    select sum(entries)::int as entries from suppression_count where list = 'bounces'`
  const [listed] = await door.sql`
    select count(*)::int as entries from suppression
    where list = 'bounces' and not starts_with(address, 'erased:')`
  expect(counted).toEqual(listed)
})
