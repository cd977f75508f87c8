import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { erase } from '../../src/erase.ts'
import type { Pipeline } from '../../src/pipeline.ts'
import { revertFeedback } from '../../src/record/reported-bounces.ts'
import { createErasure } from '../../src/suppression/erased.ts'
import { bounceOf, createTestPipeline, type TestPipeline } from '../support/pipeline.ts'
import { lockWaiters } from '../suppression/entries.ts'
import { by, quota, replayAll, rulesWithFaults } from './replaying.ts'

const secret = 'a secret for tests'
const jane = 'jane@example.com'
let t: TestPipeline
let yesterday: Pipeline
let tenantId: number

beforeAll(async () => {
  t = await createTestPipeline()
  yesterday = t.another({ rules: rulesWithFaults(), raw: 'all' })
})
afterAll(() => t.close())

beforeEach(async () => {
  await t.sql`delete from inbound_domain`
  ;({ tenantId } = await t.addTenant(`acme ${Math.random()}`))
  await t.addDomain('bounces.test', tenantId, 'any')
  await t.deliver(bounceOf([{ to: jane, ...quota }]), 'bounces@bounces.test', yesterday)
})

async function eraseJane(): Promise<void> {
  const deps = { db: t.db, secret, now: () => new Date(), settleMs: 0 }
  await erase(deps, { address: jane, tenantIds: [tenantId], strangers: [] }, by)
}

async function mentions(): Promise<string[]> {
  const rows = await t.sql`
    select 'feedback' as place from feedback as f
    where tenant_id = ${tenantId} and f::text like '%jane%'
    union all
    select 'report' from received_message where tenant_id = ${tenantId} and report::text like '%jane%'
    union all
    select 'list' from suppression as s where tenant_id = ${tenantId} and s::text like '%jane%'
    union all
    select 'raw' from raw_message where tenant_id = ${tenantId}`
  return rows.map(({ place }) => place)
}

test('a person who is erased after a message was read is not written back', async () => {
  const real = createErasure(t.db, secret)
  let isErased = false
  const erasure: typeof real = {
    ...real,
    storedForms: async (...asked) => {
      const forms = await real.storedForms(...asked)
      if (!isErased) await eraseJane()
      isErased = true
      return forms
    },
    hasErased: async () => true,
  }
  const { replayed } = await replayAll({ ...t.deps, erasure }, tenantId)
  expect(isErased).toBe(true)
  expect(replayed).toEqual([])
  expect(await mentions()).toEqual([])
})

test('what somebody takes back meanwhile stays taken back', async () => {
  const [row] = await t.sql`select feedback_id from feedback where tenant_id = ${tenantId}`
  const { replaying } = await t.sql.begin(async (sql) => {
    await revertFeedback(sql, tenantId, [row?.['feedbackId']], new Date())
    const replaying = replayAll(t.deps, tenantId)
    await lockWaiters(t.sql, 1)
    return { replaying }
  })
  expect((await replaying).replayed).toEqual([])
  const rows = await t.sql`select withdrawn_by from feedback where tenant_id = ${tenantId}`
  expect(rows).toEqual([{ withdrawnBy: 'revert' }])
})
