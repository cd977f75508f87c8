import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { signReturnPath } from '../../src/attribute/return-path-token.ts'
import { sealToken } from '../../src/attribute/sealed-token.ts'
import type { SigningKey } from '../../src/attribute/signing-key.ts'
import { tokenDay } from '../../src/attribute/token-day.ts'
import { addAudit } from '../../src/record/audit.ts'
import { createDomainDirectory } from '../../src/tenant/inbound-domains.ts'
import {
  bounceOf,
  complaintAbout,
  createTestPipeline,
  type TestPipeline,
} from '../support/pipeline.ts'
import { brief, by, replayAll } from './replaying.ts'

const start = new Date('2026-11-21T10:00:00Z')
const today = tokenDay(start)
const hour = 3_600_000
const domain = 'bounces.acme.example'
let now = start
let t: TestPipeline
let acme: { tenantId: number; key: SigningKey }
let serial = 0

beforeAll(async () => {
  t = await createTestPipeline(() => now)
  acme = await t.addTenant('acme')
  await t.addDomain(domain, acme.tenantId, 'signed')
})
afterAll(() => t.close())

let address: string
beforeEach(() => {
  now = start
  address = `person${++serial}@example.net`
})

type Mail = { day?: number; messageReference?: string | null }

function returnPath({ day = today, messageReference = null }: Mail = {}): string {
  return `${signReturnPath(acme.key, { domain, recipient: address, messageReference, day })}@${domain}`
}

function reference({ day = today, messageReference = null }: Mail = {}): string {
  const content = { tenantId: acme.tenantId, day, messageReference, recipient: address }
  const purpose = 'reference' as const
  return sealToken(acme.key, { ...content, purpose, groupId: null, groupsToDisplay: [] })
}

/** No two of them have the same bytes. */
const bounce = (status = '5.1.1', mail: Mail = {}, pipeline = t.pipeline) => {
  const report = `X-Serial: ${++serial}\r\n${bounceOf([{ to: address, status }])}`
  return t.deliver(report, returnPath(mail), pipeline)
}
const complaint = (mail: Mail = {}) =>
  t.deliver(
    `X-Serial: ${++serial}\r\n${complaintAbout(address, 'abuse', `X-Hearback-Ref: ${reference(mail)}`)}`,
    `fbl@${domain}`,
  )

async function lists(): Promise<string[]> {
  const rows = await t.sql<{ list: string; bounceClass: string | null }[]>`
    select list, bounce_class from suppression where address = ${address} order by list`
  return rows.map(({ list, bounceClass }) => bounceClass ?? list)
}

/** As an operator takes an address off a list. */
const remove = () => t.sql`delete from suppression where address = ${address}`

async function history(): Promise<(string | null)[]> {
  const rows = await t.sql<{ withdrawnBy: string | null }[]>`
    select withdrawn_by from feedback where recipient = ${address} order by feedback_id`
  return rows.map(({ withdrawnBy }) => withdrawnBy)
}

describe('a token puts its recipient onto a list once', () => {
  test('with bounces: what comes after somebody took him off is recorded without effect', async () => {
    await bounce()
    expect(await lists()).toEqual(['hard'])
    await remove()
    expect(await bounce()).toMatchObject([{ result: 'recorded' }])
    expect(await lists()).toEqual([])
    expect(await history()).toEqual([null, 'repeat'])
    const events = await t.sql`select 1 from outbox where address = ${address}`
    expect(events).toHaveLength(2)
  })

  test('with complaints, and not with both kinds together', async () => {
    await bounce()
    await complaint()
    expect(await lists()).toEqual(['hard', 'spam_reports'])
    await remove()
    await complaint()
    await bounce()
    expect(await lists()).toEqual([])
    expect(await history()).toEqual([null, null, 'repeat', 'repeat'])
  })

  test('whichever copy of it comes back', async () => {
    const mail = { messageReference: '00112233445566ff' }
    await bounce('5.1.1', mail)
    await remove()
    const returned = `X-Hearback-Ref: ${reference(mail)}`
    await t.deliver(bounceOf([{ to: address }], { returned }), `bounces@${domain}`)
    expect(await lists()).toEqual([])
  })

  test('also what is understood only after he was taken off', async () => {
    const unreadable = { parse: () => Promise.reject(new Error('broken')), close: async () => {} }
    const broken = t.another({ parser: unreadable, raw: 'all' })
    await bounce()
    now = new Date(start.getTime() + hour)
    await remove()
    const removal = { action: 'suppression.remove', list: 'bounces', address } as const
    await addAudit(t.sql, acme.tenantId, by, [removal], now)
    now = new Date(start.getTime() + 2 * hour)
    expect(await bounce('5.1.1', {}, broken)).toMatchObject([{ result: 'quarantined' }])
    const deps = { ...t.deps, findDomain: createDomainDirectory(t.db) }
    const dry = await replayAll(deps, acme.tenantId, { since: now, isDry: true })
    const done = await replayAll(deps, acme.tenantId, { since: now })
    expect([brief(dry), brief(done)]).toEqual([
      [{ address, change: [null, 'hard'], listed: null }],
      [{ address, change: [null, 'hard'], listed: null }],
    ])
    expect(await lists()).toEqual([])
    expect(await history()).toEqual([null, 'repeat'])
    expect(await bounce('5.1.1', { day: today - 1 }, broken)).toMatchObject([
      { result: 'quarantined' },
    ])
    await replayAll(deps, acme.tenantId, { since: now })
    expect(await lists()).toEqual(['hard'])
  })

  test('as long as he is there, each report counts', async () => {
    await bounce()
    await bounce()
    expect(await history()).toEqual([null, null])
  })
})

describe('he is listed again', () => {
  test('by the token of another day, or of another mail', async () => {
    await bounce()
    await remove()
    await bounce('5.1.1', { day: today - 1 })
    expect(await lists()).toEqual(['hard'])
    await remove()
    await bounce('5.1.1', { messageReference: '00112233445566ff' })
    expect(await lists()).toEqual(['hard'])
  })

  test('by a stronger bounce, not by a weaker one', async () => {
    await bounce('5.2.2')
    expect(await lists()).toEqual(['soft'])
    await remove()
    await bounce()
    expect(await lists()).toEqual(['hard'])
    await remove()
    await bounce('5.2.2')
    expect(await lists()).toEqual([])
  })

  test('after a bounce that did not count itself', async () => {
    await bounce()
    await t.sql`
      update feedback set withdrawn_at = now(), withdrawn_by = 'revert'
      where recipient = ${address}`
    await remove()
    await bounce()
    expect(await lists()).toEqual(['hard'])
  })
})
