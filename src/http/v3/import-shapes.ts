import { z } from 'zod'
import type { RowError } from '../../suppression/import-batch.ts'
import type { ImportJob } from '../../suppression/import-jobs.ts'
import type { ImportResult } from '../../suppression/import-order.ts'

const rowErrors = z
  .array(
    z.strictObject({
      row: z.int().describe('Line of the file, the first being 1'),
      email: z.string(),
      error: z.string(),
    }),
  )
  .describe('The first 1,000')

export const importResult = z
  .strictObject({
    imported: z.int().describe('Rows that put an address onto the list or made its entry stronger'),
    skipped: z.int().describe('Rows that changed nothing'),
    errors: rowErrors,
  })
  .meta({ id: 'ImportResult' })

export const importJobWithoutErrors = z.strictObject({
  id: z.uuid(),
  list: z.enum(['bounces', 'spam_reports', 'global_unsubscribes', 'group_unsubscribes']),
  group_id: z.int().optional(),
  state: z.enum(['queued', 'running', 'finished', 'cancelled', 'failed']),
  imported: z.int(),
  skipped: z.int(),
  error_count: z.int(),
  rows: z.int().describe('Worked off so far, without a header'),
  rows_per_second: z.int().nullable(),
  created_at: z.iso.datetime(),
  finished_at: z.iso.datetime().nullable(),
})

export const importJob = importJobWithoutErrors
  .extend({ errors: rowErrors })
  .meta({ id: 'ImportJob' })

export function resultRecord({
  imported,
  skipped,
  errors,
}: ImportResult): z.infer<typeof importResult> {
  return { imported, skipped, errors: errors.map(errorRecord) }
}

export function jobRecord(job: ImportJob, now: Date): z.infer<typeof importJob> {
  return { ...jobRecordWithoutErrors(job, now), errors: job.errors.map(errorRecord) }
}

export function jobRecordWithoutErrors(
  job: Omit<ImportJob, 'errors'>,
  now: Date,
): z.infer<typeof importJobWithoutErrors> {
  return {
    id: job.id,
    list: job.list,
    group_id: job.groupId === 0 ? undefined : job.groupId,
    state: job.state,
    imported: job.imported,
    skipped: job.skipped,
    error_count: job.errorCount,
    rows: job.rows,
    rows_per_second: rate(job, now),
    created_at: job.createdAt.toISOString(),
    finished_at: job.finishedAt?.toISOString() ?? null,
  }
}

/** `null`: not begun. */
function rate(
  { startedAt, finishedAt, rows }: Pick<ImportJob, 'startedAt' | 'finishedAt' | 'rows'>,
  now: Date,
): number | null {
  if (startedAt === null) return null
  const milliseconds = (finishedAt ?? now).getTime() - startedAt.getTime()
  return Math.round((rows * 1000) / Math.max(milliseconds, 1))
}

function errorRecord({ row, email, error }: RowError): RowError {
  return { row, email, error }
}
