import { uuidv7 } from 'uuidv7'
import type { Sql } from '../db/sql.ts'
import type { ChangedBy } from '../feedback/actor.ts'
import type { BounceClass } from '../feedback/feedback.ts'
import type { ImportFormat } from '../feedback/import-format.ts'
import type { SuppressionList } from '../feedback/suppression.ts'
import type { RowError } from './import-batch.ts'
import { type ImportCounts, maxRowErrors } from './import-order.ts'

export type ImportState = 'queued' | 'running' | 'finished' | 'cancelled' | 'failed'

/** A file that is worked on after it has been received, as whoever sent it sees it. */
export type ImportJob = ImportCounts & {
  id: string
  list: SuppressionList
  groupId: number
  state: ImportState
  /** The first thousand, by rows. */
  errors: RowError[]
  createdAt: Date
  startedAt: Date | null
  finishedAt: Date | null
}

/** What is asked of a job; the list is known by the call. */
export type NewJob = {
  list: SuppressionList
  groupId: number
  bounceClass: BounceClass
  tellsEach: boolean
  by: ChangedBy
}

/** How long an upload or a worker that says nothing is taken for alive. */
export const leaseSeconds = 30

/** A job whose file is about to come; nobody sees it before `queueJob`. Gives back its id. */
export async function beginJob(
  sql: Sql,
  tenantId: number,
  { list, groupId, bounceClass, tellsEach, by }: NewJob,
  now: Date,
): Promise<string> {
  const id = uuidv7()
  const { actor, reason, requestId } = by
  await sql`
    insert into import_job (
      tenant_id, import_job_id, list, group_id, bounce_class, tells_each, actor_kind, actor_id,
      actor_name, reason, request_id, state, created_at, lease_until)
    values (
      ${tenantId}, ${id}, ${list}, ${groupId}, ${bounceClass}, ${tellsEach}, ${actor.kind},
      ${actor.id}, ${actor.name}, ${reason}, ${requestId}, 'receiving', ${now},
      now() + ${leaseSeconds} * interval '1 second')`
  return id
}

/** How many imports of a tenant are not at their end, those among them that are just being sent. */
export async function countOpenJobs(sql: Sql, tenantId: number): Promise<number> {
  const [row] = await sql<{ jobs: number }[]>`
    select count(*)::int as jobs
    from import_job
    where tenant_id = ${tenantId} and state in ('receiving', 'queued', 'running')
      and (state <> 'receiving' or lease_until > now())`
  return row?.jobs ?? 0
}

/** The file is still coming, however slowly. `false`: the job has been given up meanwhile. */
export async function keepReceiving(sql: Sql, tenantId: number, id: string): Promise<boolean> {
  const kept = await sql`
    update import_job
    set lease_until = now() + ${leaseSeconds} * interval '1 second'
    where tenant_id = ${tenantId} and import_job_id = ${id} and state = 'receiving'
    returning 1`
  return kept.length > 0
}

/** The next part of the file. `false`: the job has been given up meanwhile. */
export async function addChunk(
  sql: Sql,
  tenantId: number,
  id: string,
  { position, bytes }: { position: number; bytes: Buffer },
): Promise<boolean> {
  if (!(await keepReceiving(sql, tenantId, id))) return false
  await sql`
    insert into import_chunk (tenant_id, import_job_id, position, bytes)
    values (${tenantId}, ${id}, ${position}, ${bytes})`
  return true
}

/** The file is there whole: from now on somebody works on it, whatever becomes of us. */
export async function queueJob(
  sql: Sql,
  tenantId: number,
  id: string,
  chunks: number,
): Promise<boolean> {
  const queued = await sql`
    update import_job
    set state = 'queued', lease_until = null, chunks = ${chunks}
    where tenant_id = ${tenantId} and import_job_id = ${id} and state = 'receiving'
    returning 1`
  return queued.length > 0
}

/** An upload that came to nothing. */
export async function giveUpJob(sql: Sql, tenantId: number, id: string): Promise<void> {
  await sql`
    update import_job
    set lease_until = now()
    where tenant_id = ${tenantId} and import_job_id = ${id} and state = 'receiving'`
}

/** Newest first, without their errors. */
export async function listJobs(
  sql: Sql,
  tenantId: number,
  { limit, offset }: { limit: number; offset: number },
): Promise<Omit<ImportJob, 'errors'>[]> {
  return sql<ImportJob[]>`
    select ${jobColumns(sql)}
    from import_job
    where tenant_id = ${tenantId} and state <> 'receiving'
    order by created_at desc, import_job_id desc
    limit ${limit}
    offset ${offset}`
}

export async function countJobs(sql: Sql, tenantId: number): Promise<number> {
  const [row] = await sql<{ jobs: number }[]>`
    select count(*)::int as jobs
    from import_job
    where tenant_id = ${tenantId} and state <> 'receiving'`
  return row?.jobs ?? 0
}

export async function findJob(sql: Sql, tenantId: number, id: string): Promise<ImportJob | null> {
  const [job] = await sql<ImportJob[]>`
    select ${jobColumns(sql)}, errors
    from import_job
    where tenant_id = ${tenantId} and import_job_id = ${id} and state <> 'receiving'`
  if (job === undefined) return null
  // Batches are committed in any order.
  const errors = job.errors.sort((a, b) => a.row - b.row).slice(0, maxRowErrors)
  return { ...job, errors }
}

/** Stops it for good; what was imported stays. `null`: it was not under way. */
export async function cancelJob(
  sql: Sql,
  tenantId: number,
  id: string,
  now: Date,
): Promise<EndedJob | null> {
  const [row] = await sql<EndedJob[]>`
    update import_job
    set state = 'cancelled', finished_at = ${now}, worker_id = null, lease_until = null
    where tenant_id = ${tenantId} and import_job_id = ${id} and state in ('queued', 'running')
    returning ${endedColumns(sql)}`
  return row ?? null
}

/** What the audit trail is to say of a job at its end; `auditId` is `null` when it never began. */
export type EndedJob = ImportCounts & { format: ImportFormat | null; auditId: string | null }

export function endedColumns(sql: Sql): ReturnType<Sql> {
  return sql`${countColumns(sql)}, format, audit_entry_id as audit_id`
}

function jobColumns(sql: Sql): ReturnType<Sql> {
  return sql`
    import_job_id as id, list, group_id, state, created_at, started_at, finished_at,
    ${countColumns(sql)}`
}

/** Numbers that JavaScript holds. */
function countColumns(sql: Sql): ReturnType<Sql> {
  return sql`
    rows::float8 as rows, imported::float8 as imported, skipped::float8 as skipped,
    error_count::float8 as error_count`
}
