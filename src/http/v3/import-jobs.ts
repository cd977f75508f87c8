import { z } from 'zod'
import { addAudit, completeAudit } from '../../record/audit.ts'
import { cancelJob, countJobs, findJob, listJobs } from '../../suppression/import-jobs.ts'
import { auditedResult } from '../../suppression/import-order.ts'
import { wholeNumber } from '../validate.ts'
import { notFound } from './groups.ts'
import {
  importJob,
  importJobWithoutErrors,
  jobRecord,
  jobRecordWithoutErrors,
} from './import-shapes.ts'
import { type Caller, type Route, route } from './route.ts'

const tag = 'Imports'
const one = '/imports/:import_id'
const importInPath = z.object({ import_id: z.uuid() })

/** Imports that were sent with `Prefer: respond-async`. */
export const importJobRoutes: readonly Route[] = [
  route(
    {
      method: 'get',
      path: '/imports',
      scope: 'suppressions.read',
      tag,
      summary: 'List imports of the last 30 days, newest first',
      query: z.object({
        limit: wholeNumber(1, 100).default(50),
        offset: wholeNumber(0, 1_000_000).default(0),
      }),
      responses: {
        200: z.strictObject({ imports: z.array(importJobWithoutErrors), total: z.int() }),
      },
    },
    async ({ db, tenantId, query, now }) => {
      const jobs = await db.run((sql) => listJobs(sql, tenantId, query))
      const total = await db.run((sql) => countJobs(sql, tenantId))
      const imports = jobs.map((job) => jobRecordWithoutErrors(job, now))
      return { status: 200, body: { imports, total } }
    },
  ),
  route(
    {
      method: 'get',
      path: one,
      scope: 'suppressions.read',
      tag,
      summary: 'How far an import is, and what was wrong with its rows',
      params: importInPath,
      responses: { 200: importJob },
    },
    async ({ db, tenantId, params, now }) => {
      const job = await db.run((sql) => findJob(sql, tenantId, params.import_id))
      if (job === null) throw notFound()
      return { status: 200, body: jobRecord(job, now) }
    },
  ),
  route(
    {
      method: 'delete',
      path: one,
      scope: 'suppressions.write',
      tag,
      summary: 'Cancel an import; what it has imported stays. 204 also when it is at its end',
      params: importInPath,
      responses: { 204: null },
    },
    async ({ params, ...caller }) => {
      await cancel(caller, params.import_id)
      return { status: 204 }
    },
  ),
]

async function cancel({ db, tenantId, by, now }: Caller, importId: string): Promise<void> {
  await db.transaction(async (sql) => {
    const job = await findJob(sql, tenantId, importId)
    if (job === null) throw notFound()
    const cancelled = await cancelJob(sql, tenantId, importId, now)
    if (cancelled === null) return
    const { list, groupId } = job
    const change = { action: 'suppression.import-cancel' as const, list, groupId }
    await addAudit(sql, tenantId, by, [{ ...change, detail: { importId } }], now)
    if (cancelled.auditId === null) return
    const result = auditedResult(cancelled, { format: cancelled.format, complete: false })
    await completeAudit(sql, tenantId, cancelled.auditId, result)
  })
}
