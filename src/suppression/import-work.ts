import { jsonb, type Sql } from '../db/sql.ts'
import type { Actor } from '../feedback/actor.ts'
import type { ImportFormat } from '../feedback/import-format.ts'
import type { SuppressionList } from '../feedback/suppression.ts'
import type { ImportBatch, RowError } from './import-batch.ts'
import { type EndedJob, endedColumns, leaseSeconds, type NewJob } from './import-jobs.ts'
import { type ImportCounts, type ImportOrder, maxRowErrors } from './import-order.ts'

/** A job that this worker has, until its lease ends. */
export type ClaimedJob = {
  id: string
  workerId: string
  order: ImportOrder & { target: { list: SuppressionList } }
  /** How many parts its file has. */
  chunks: number
  /** Whether its trace stands in the audit trail. */
  hasBegun: boolean
  /** Which records of the file are worked off: from inclusive, to exclusive, in order. */
  done: readonly (readonly [from: number, to: number])[]
  /** How often it was begun without getting any further. */
  attempts: number
}

/** The job was cancelled, or another worker has it. Nothing that it was thrown in is written. */
export class LostLeaseError extends Error {
  override name = 'LostLeaseError'
}

type Row = Omit<NewJob, 'by'> & {
  id: string
  tenantId: number
  actorKind: Actor['kind']
  actorId: string
  actorName: string | null
  reason: string | null
  requestId: string | null
  chunks: number
  hasBegun: boolean
  done: string
  attempts: number
}

/** The job that waits longest, or whose worker has died. `null`: there is none. */
export async function claimJob(sql: Sql, workerId: string, now: Date): Promise<ClaimedJob | null> {
  const [row] = await sql<Row[]>`
    update import_job
    set
      state = 'running', worker_id = ${workerId}, attempts = attempts + 1,
      lease_until = ${leaseEnd(sql)}, started_at = coalesce(started_at, ${now})
    where (tenant_id, import_job_id) = (
      select tenant_id, import_job_id
      from import_job
      where state in ('queued', 'running') and coalesce(lease_until, '-infinity') <= now()
      order by created_at
      limit 1
      for update skip locked)
    returning
      import_job_id as id, tenant_id, list, group_id, bounce_class, tells_each, actor_kind,
      actor_id, actor_name, reason, request_id, chunks, audit_entry_id is not null as has_begun,
      done::text as done, attempts`
  return row ? claimed(row, workerId) : null
}

function claimed(row: Row, workerId: string): ClaimedJob {
  const { id, tenantId, list, groupId, bounceClass, tellsEach, chunks, hasBegun, attempts } = row
  const actor = { kind: row.actorKind, id: row.actorId, name: row.actorName } as Actor
  const by = { actor, reason: row.reason, requestId: row.requestId }
  const order = { tenantId, by, target: { list, groupId, bounceClass }, format: null, tellsEach }
  const done = [...row.done.matchAll(/\[(\d+),(\d+)\)/g)].map(
    ([, from, to]) => [Number(from), Number(to)] as const,
  )
  return { id, workerId, order, chunks, hasBegun, done, attempts }
}

/** Goes on holding it. `false`: it is lost. */
export async function prolongLease(sql: Sql, job: ClaimedJob): Promise<boolean> {
  const kept = await sql`
    update import_job
    set lease_until = ${leaseEnd(sql)}
    where ${isHeld(sql, job)}
    returning 1`
  return kept.length > 0
}

/** Before the first batch: whose export it is, and where its trace stands. */
export async function recordStart(
  sql: Sql,
  job: ClaimedJob,
  { format, auditId }: { format: ImportFormat; auditId: string },
): Promise<void> {
  const kept = await sql`
    update import_job
    set format = ${format}, audit_entry_id = ${auditId}
    where ${isHeld(sql, job)}
    returning 1`
  if (kept.length === 0) throw new LostLeaseError(`import ${job.id} is not ours any longer`)
}

/** In the transaction of the batch itself, at its end: no batch is counted twice or written for nothing. */
export async function recordProgress(
  sql: Sql,
  job: ClaimedJob,
  { from, to, errors }: ImportBatch,
  { rows, imported, skipped, errorCount }: ImportCounts,
): Promise<void> {
  const kept = await sql`
    update import_job
    set
      done = done + int8multirange(int8range(${from}, ${to})),
      rows = rows + ${rows}, imported = imported + ${imported}, skipped = skipped + ${skipped},
      error_count = error_count + ${errorCount},
      errors = ${errors.length === 0 ? sql`errors` : firstErrors(sql, errors)},
      attempts = 0
    where ${isHeld(sql, job)}
    returning 1`
  if (kept.length === 0) throw new LostLeaseError(`import ${job.id} is not ours any longer`)
}

/** Those of the first rows, in whichever order the batches end. */
function firstErrors(sql: Sql, errors: readonly RowError[]): ReturnType<Sql> {
  return sql`(
    select jsonb_agg(first.error order by first.at)
    from (
      select error, (error -> 'row')::int as at
      from jsonb_array_elements(errors || ${jsonb(sql, errors.slice(0, maxRowErrors))}) as error
      order by at
      limit ${maxRowErrors}
    ) as first)`
}

/** What came of it. `null`: it is not ours any longer. */
export async function endJob(
  sql: Sql,
  job: ClaimedJob,
  { state, fault }: { state: 'finished' | 'failed'; fault: string | null },
  now: Date,
): Promise<EndedJob | null> {
  const errors = fault === null ? [] : [{ row: 1, email: '', error: fault }]
  const [ended] = await sql<EndedJob[]>`
    update import_job
    set
      state = ${state}, finished_at = ${now}, worker_id = null, lease_until = null,
      errors = ${jsonb(sql, errors)} || errors, error_count = error_count + ${errors.length}
    where ${isHeld(sql, job)}
    returning ${endedColumns(sql)}`
  return ended ?? null
}

/** For any worker to go on with, after a while. */
export async function releaseJob(sql: Sql, job: ClaimedJob, waitSeconds: number): Promise<void> {
  await sql`
    update import_job
    set state = 'queued', worker_id = null, lease_until = now() + ${waitSeconds} * interval '1 second'
    where ${isHeld(sql, job)}`
}

function isHeld(sql: Sql, { order: { tenantId }, id, workerId }: ClaimedJob): ReturnType<Sql> {
  return sql`
    tenant_id = ${tenantId} and import_job_id = ${id} and state = 'running'
    and worker_id = ${workerId}`
}

function leaseEnd(sql: Sql): ReturnType<Sql> {
  return sql`now() + ${leaseSeconds} * interval '1 second'`
}
