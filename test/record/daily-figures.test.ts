import fc from 'fast-check'
import { uuidv7 } from 'uuidv7'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDatabase, type Database } from '../../src/db/sql.ts'
import {
  type Figure,
  type FigureDimension,
  type FigureQuery,
  listFigures,
} from '../../src/record/daily-figures-list.ts'
import { eraseFeedback } from '../../src/record/erase.ts'
import { addFeedback, type FeedbackRow } from '../../src/record/feedback.ts'
import { restoreFeedback, revertFeedback } from '../../src/record/reported-bounces.ts'
import { countFigures } from '../../src/sweeper.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

let database: TestDatabase
let db: Database

beforeAll(async () => {
  database = await createTestDatabase()
  db = createDatabase(database.target)
})
afterAll(async () => {
  await db.close()
  await database.drop()
})

const minute = 60_000
const day = 1_440 * minute
const dimensions: FigureDimension[] = [
  'day',
  'kind',
  'bounceClass',
  'classification',
  'domain',
  'origin',
]
const origins = ['report', 'recipient', 'api', 'import'] as const

const dayOf = (time: number): string => new Date(time).toISOString().slice(0, 10)

type Kind = Pick<FeedbackRow, 'kind' | 'origin' | 'bounce_class' | 'classification'>

const kinds: readonly Kind[] = [
  { kind: 'bounce', origin: 'report', bounce_class: 'hard', classification: 'user-unknown' },
  { kind: 'bounce', origin: 'report', bounce_class: 'soft', classification: 'mailbox-full' },
  { kind: 'bounce', origin: 'api', bounce_class: 'hard' },
  { kind: 'bounce', origin: 'import' },
  { kind: 'spam-report', origin: 'report' },
  { kind: 'unsubscribe', origin: 'recipient' },
]

function feedback(
  tenantId: number,
  at: number,
  { kind = kinds[0], recipient = 'a@example.com' }: { kind?: Kind; recipient?: string } = {},
): FeedbackRow {
  return {
    kind: 'bounce',
    origin: 'report',
    ...kind,
    tenant_id: tenantId,
    feedback_id: uuidv7(),
    recipient,
    reported_at: new Date(at),
    token_expired: false,
  }
}

const add = (rows: FeedbackRow[]): Promise<void> => db.transaction((sql) => addFeedback(sql, rows))

/** As the history itself says. */
async function direct(tenantId: number, { from, to, by, origins }: FigureQuery) {
  const rows = await database.sql<(Record<FigureDimension, string> & { kind: string })[]>`
    select
      to_char(reported_at at time zone 'UTC', 'YYYY-MM-DD') as day, kind, bounce_class,
      classification, substring(recipient from '@([^@]*)$') as domain, origin
    from feedback
    where tenant_id = ${tenantId} and withdrawn_by is null`
  const counts = new Map<string, number>()
  for (const row of rows) {
    if (row.day < from || row.day > to || !origins.some((one) => one === row.origin)) continue
    const key = by.map((dimension) => row[dimension] ?? '').join('|')
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  return [...counts].sort(([a], [b]) => (a < b ? -1 : 1))
}

function flat(figures: Figure[] | null, by: readonly FigureDimension[]) {
  const rows = figures?.map((one): [string, number] => [
    by.map((dimension) => one[dimension] ?? '').join('|'),
    one.count,
  ])
  return rows?.sort(([a], [b]) => (a < b ? -1 : 1))
}

/** Far enough ahead for the real time of the migration to play no part. */
let clock = Math.ceil(Date.now() / day) * day + 3 * day
let tenants = 0

describe('figures', () => {
  test('are what a direct count says, whatever comes when and however far was counted', async () => {
    const step = fc.oneof(
      fc.record({
        type: fc.constant('wait' as const),
        minutes: fc.oneof(fc.integer({ min: 1, max: 90 }), fc.integer({ min: 90, max: 1_000 })),
      }),
      fc.record({ type: fc.constant('count' as const) }),
      fc.record({
        type: fc.constant('add' as const),
        kind: fc.constantFrom(...kinds),
        recipient: fc.constantFrom('a@example.com', '"b@c"@example.com', 'd@münchen.example'),
        minutesLate: fc.oneof(
          { weight: 3, arbitrary: fc.constant(0) },
          { weight: 1, arbitrary: fc.integer({ min: 1, max: 14_400 }) },
        ),
        rows: fc.integer({ min: 1, max: 4 }),
      }),
      fc.record({ type: fc.constant('erase' as const), recipient: fc.constant('a@example.com') }),
      fc.record({ type: fc.constant('withdraw' as const), isBack: fc.boolean() }),
      fc.record({
        type: fc.constant('ask' as const),
        by: fc.subarray(dimensions),
        origins: fc.subarray([...origins], { minLength: 1 }),
        firstDay: fc.integer({ min: -12, max: 0 }),
        days: fc.integer({ min: 0, max: 12 }),
      }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), async (steps) => {
        tenants += 1
        const tenantId = tenants
        const everything = {
          type: 'ask',
          by: dimensions,
          origins,
          firstDay: -20,
          days: 20,
        } as const
        for (const step of [...steps, everything]) {
          if (step.type === 'wait') clock += step.minutes * minute
          else if (step.type === 'count') await countFigures(db, new Date(clock))
          else if (step.type === 'add') {
            const { kind, recipient, minutesLate, rows } = step
            const one = () => feedback(tenantId, clock - minutesLate * minute, { kind, recipient })
            await add(Array.from({ length: rows }, one))
          } else if (step.type === 'erase') {
            const { recipient: address } = step
            await db.transaction((sql) =>
              eraseFeedback(sql, tenantId, { address, form: 'erased:0123456789' }, 100),
            )
          } else if (step.type === 'withdraw') {
            const found = await database.sql<{ feedbackId: string }[]>`
              select feedback_id from feedback where tenant_id = ${tenantId} limit 3`
            const ids = found.map(({ feedbackId }) => feedbackId)
            await db.transaction((sql) =>
              step.isBack
                ? restoreFeedback(sql, tenantId, ids)
                : revertFeedback(sql, tenantId, ids, new Date(clock)),
            )
          } else {
            const from = dayOf(clock + step.firstDay * day)
            const to = dayOf(clock + (step.firstDay + step.days) * day)
            const { by, origins } = step
            const query = { from, to, by, origins, limit: 10_000 }
            const figures = await listFigures(db, tenantId, query, new Date(clock))
            expect(flat(figures, by)).toEqual(await direct(tenantId, query))
          }
        }
      }),
      { numRuns: 15 },
    )
  })
  test('of one day are the sum of all that was counted in the course of it', async () => {
    clock = Math.ceil(clock / day) * day
    const tenantId = ++tenants
    for (let hour = 0; hour < 26; hour++, clock += 60 * minute) {
      if (hour < 24) await add([feedback(tenantId, clock)])
      await countFigures(db, new Date(clock))
      await countFigures(db, new Date(clock + 2 * minute))
    }
    const [counted] = await database.sql`
      select day::text, entries::int from daily_figure where tenant_id = ${tenantId} and domain = ''`
    expect(counted).toEqual({ day: dayOf(clock - 26 * 60 * minute), entries: 24 })
  })

  test('have what was being written while its time was counted', async () => {
    const tenantId = ++tenants
    await settle()
    clock += 90 * minute
    const late = clock - 75 * minute
    await countFigures(db, new Date(clock))
    await database.sql.begin(async (sql) => {
      await addFeedback(sql, [feedback(tenantId, late)])
      await countFigures(db, new Date(clock + 2 * minute))
    })
    await settle()
    const [counted] = await database.sql`
      select entries::int from daily_figure where tenant_id = ${tenantId} and domain = ''`
    expect(counted).toEqual({ entries: 1 })
  })

  test('wait with the end of a time for who saw that it was still open', async () => {
    const tenantId = ++tenants
    await settle()
    clock += 90 * minute
    await database.sql.begin(async (sql) => {
      await addFeedback(sql, [feedback(tenantId, clock - 75 * minute)])
      await countFigures(db, new Date(clock))
      await countFigures(db, new Date(clock + 0.9 * minute))
    })
    await countFigures(db, new Date(clock + 2 * minute))
    const [counted] = await database.sql`
      select entries::int from daily_figure where tenant_id = ${tenantId} and domain = ''`
    expect(counted).toEqual({ entries: 1 })
  })

  test('are right after several that count and several that write late, all at once', async () => {
    const tenantId = ++tenants
    await settle()
    for (let n = 0; n < 20; n++, clock += 60 * minute) await add([feedback(tenantId, clock)])
    await countFigures(db, new Date(clock + 60 * minute))
    clock += 62 * minute
    const write = async (seed: number): Promise<void> => {
      for (let n = 0; n < 40; n++) {
        const late = ((seed * 7919 + n * 104_729) % 9) * day
        await add([feedback(tenantId, clock - late), feedback(tenantId, clock - 3 * day)])
      }
    }
    let isWriting = true
    const count = async (): Promise<void> => {
      while (isWriting) await countFigures(db, new Date(clock))
    }
    const counting = [count(), count()]
    await Promise.all([write(1), write(2), write(3)])
    isWriting = false
    await Promise.all(counting)
    await settle()
    const query = { ...weekBefore(), by: dimensions, origins, limit: 100 }
    expect(flat(await listFigures(db, tenantId, query, new Date(clock)), dimensions)).toEqual(
      await direct(tenantId, query),
    )
    expect(await database.sql`select 1 from daily_figure_recount`).toHaveLength(0)
    const [counted] = await database.sql`
      select sum(entries)::int as entries from daily_figure where tenant_id = ${tenantId} and domain = ''`
    expect(counted).toEqual({ entries: 260 })
  })

  test('that are more than there may be are none, counted ahead or not', async () => {
    const tenantId = ++tenants
    const recipient = (n: number) => ({ recipient: `a@d${n}.example` })
    await add(Array.from({ length: 6 }, (_, n) => feedback(tenantId, clock, recipient(n))))
    const ask = (limit: number) =>
      listFigures(
        db,
        tenantId,
        { ...weekBefore(), by: ['domain'], origins, limit },
        new Date(clock),
      )
    for (const when of ['now', 'ahead']) {
      expect([when, await ask(5)]).toEqual([when, null])
      expect(await ask(6)).toHaveLength(6)
      await settle()
    }
  })
})

const weekBefore = () => ({ from: dayOf(clock - 12 * day), to: dayOf(clock) })

/** A while later, when all that there is has been counted. */
async function settle(): Promise<void> {
  clock += 2 * 60 * minute
  await countFigures(db, new Date(clock))
  clock += 2 * minute
  for (let days = 0; days < 30; days++) await countFigures(db, new Date(clock))
}
