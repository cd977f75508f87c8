import { z } from 'zod'
import type { Origin } from '../../feedback/suppression.ts'
import { type Figure, type FigureDimension, listFigures } from '../../record/daily-figures-list.ts'
import { ApiError } from '../errors.ts'
import { type Caller, type Route, route } from './route.ts'

const maxDays = 366
const maxRows = 10_000
const dayMs = 86_400_000

/** Of our dimensions and, behind them, of other words for them. */
const dimensions: ReadonlyMap<string, FigureDimension> = new Map([
  ['day', 'day'],
  ['kind', 'kind'],
  ['bounce_type', 'bounceClass'],
  ['classification', 'classification'],
  ['domain', 'domain'],
  ['origin', 'origin'],
  ['class', 'bounceClass'],
  ['reason', 'classification'],
])

const origins: Record<'received' | 'all' | Origin, readonly Origin[]> = {
  received: ['report', 'recipient'],
  all: ['report', 'recipient', 'api', 'import'],
  report: ['report'],
  recipient: ['recipient'],
  api: ['api'],
  import: ['import'],
}

const day = z.iso.date().refine((text) => text >= '1970', 'Must be 1970-01-01 or later')

const by = z
  .string()
  .default('day,kind,bounce_type')
  .transform((text, context) => {
    const found = text.split(',').map((name) => dimensions.get(name))
    if (found.every((dimension) => dimension !== undefined)) return [...new Set(found)]
    const message = `Takes some of ${[...dimensions.keys()].join(', ')}, separated by commas`
    context.addIssue({ code: 'custom', message })
    return z.NEVER
  })

const query = z.object({
  start_date: day.optional().describe('First day, of UTC; 29 days before end_date when absent'),
  end_date: day.optional().describe('Last day, of UTC; today when absent'),
  by: by.describe('What to count by, in the order of the rows'),
  origin: z
    .enum(['received', 'all', 'report', 'recipient', 'api', 'import'])
    .default('received')
    .describe(
      'How it came: `received` is `report` and `recipient`, without what was added by hand',
    ),
})

const row = z
  .strictObject({
    day: z.string().optional(),
    kind: z.string().optional().describe('bounce, spam-report, unsubscribe or resubscribe'),
    bounce_type: z.enum(['hard', 'soft', 'block']).nullable().optional(),
    classification: z.string().nullable().optional().describe('Why mail did not arrive'),
    domain: z.string().nullable().optional().describe('Of the recipient; null: they were erased'),
    origin: z.string().optional(),
    count: z.int().min(1),
  })
  .meta({ id: 'Figure' })

export const statsRoutes: readonly Route[] = [
  route(
    {
      method: 'get',
      path: '/stats',
      scope: 'suppressions.read',
      tag: 'Statistics',
      summary: 'How much feedback there was, by day, kind, class, reason and receiving domain',
      query,
      responses: {
        200: z.strictObject({
          start_date: z.string(),
          end_date: z.string(),
          stats: z.array(row),
        }),
      },
    },
    async ({ query, ...caller }) => ({ status: 200, body: await stats(caller, query) }),
  ),
]

async function stats(
  { db, tenantId, now }: Caller,
  { start_date, end_date, by, origin }: z.infer<typeof query>,
) {
  const to = end_date ?? dayOf(now.getTime())
  const from = start_date ?? dayOf(Date.parse(to) - 29 * dayMs)
  const days = (Date.parse(to) - Date.parse(from)) / dayMs + 1
  if (days < 1) throw new ApiError(400, 'end_date must not be before start_date', 'end_date')
  if (days > maxDays) throw new ApiError(400, `At most ${maxDays} days at once`, 'start_date')
  const wanted = { from, to, by, origins: origins[origin], limit: maxRows }
  const figures = await listFigures(db, tenantId, wanted, now)
  if (figures === null) {
    const message = `This has more than ${maxRows} rows: ask for fewer days, or by fewer dimensions`
    throw new ApiError(400, message, 'by')
  }
  return { start_date: from, end_date: to, stats: figures.map((figure) => record(figure, by)) }
}

function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10)
}

/** With the dimensions that were asked for alone. */
function record(figure: Figure, by: readonly FigureDimension[]): z.infer<typeof row> {
  const asked = <D extends FigureDimension>(dimension: D): Figure[D] | undefined =>
    by.includes(dimension) ? figure[dimension] : undefined
  return {
    day: asked('day') ?? undefined,
    kind: asked('kind') ?? undefined,
    bounce_type: asked('bounceClass'),
    classification: asked('classification'),
    domain: asked('domain'),
    origin: asked('origin') ?? undefined,
    count: figure.count,
  }
}
