import { z } from 'zod'
import { providerOf } from '../../feedback/provider.ts'
import { summariseHeldFeedback } from '../../record/held-feedback.ts'
import { unixTime } from './list.ts'
import { type Route, route } from './route.ts'

const maxLines = 1_000

const holdQuery = z.object({ start_time: unixTime.optional(), end_time: unixTime.optional() })

const holdRecord = z
  .strictObject({
    hour: z.iso.datetime(),
    provider: z.string().describe('Who refused: google, microsoft, … or a domain'),
    bounce_type: z.string(),
    status: z.string().nullable(),
    reason: z.string().nullable().describe('The words of one of the reports'),
    reports: z.int(),
  })
  .meta({ id: 'Hold' })

export const holdRoutes: readonly Route[] = [
  route(
    {
      method: 'get',
      path: '/feedback/holds',
      scope: 'suppressions.read',
      tag: 'Feedback',
      summary: 'Reports that were held back because there were far too many, by hour and server',
      query: holdQuery,
      responses: { 200: z.strictObject({ holds: z.array(holdRecord) }) },
    },
    async ({ db, tenantId, query: { start_time: start, end_time: end } }) => {
      const filter = {
        from: start === undefined ? null : new Date(start * 1000),
        before: end === undefined ? null : new Date((end + 1) * 1000),
      }
      const hours = await db.run((sql) => summariseHeldFeedback(sql, tenantId, filter, maxLines))
      const holds = hours.map(({ hour, bounceClass, host, status, reason, reports }) => ({
        hour: hour.toISOString(),
        provider: providerOf(host, ''),
        bounce_type: bounceClass,
        status,
        reason,
        reports,
      }))
      return { status: 200, body: { holds } }
    },
  ),
]
