import type { Database, Sql } from '../db/sql.ts'

/** The file of a job, a part at a time. */
export async function* readChunks(
  db: Database,
  tenantId: number,
  id: string,
): AsyncGenerator<Buffer> {
  for (let position = 0; ; position++) {
    const chunk = await db.run((sql) => findChunk(sql, tenantId, id, position))
    if (chunk === null) return
    yield chunk
  }
}

async function findChunk(
  sql: Sql,
  tenantId: number,
  id: string,
  position: number,
): Promise<Buffer | null> {
  const [row] = await sql<{ bytes: Buffer }[]>`
    select bytes
    from import_chunk
    where tenant_id = ${tenantId} and import_job_id = ${id} and position = ${position}`
  return row?.bytes ?? null
}

/**
 * Deletes up to `limit` parts of files that nobody needs any longer: their job is at its end, or was
 * given up before it was whole. Gives back how many.
 */
export async function purgeChunks(sql: Sql, limit: number): Promise<number> {
  const purged = await sql`
    delete from import_chunk
    where ctid = any(array(
      select c.ctid
      from import_job as j
      join import_chunk as c using (tenant_id, import_job_id)
      where ${isNeedless(sql)}
      limit ${limit}
      for update of c skip locked))`
  return purged.count
}

/** Deletes jobs that were never whole, and those that ended before `before`; behind their chunks. */
export async function purgeJobs(sql: Sql, before: Date, limit: number): Promise<number> {
  const purged = await sql`
    delete from import_job
    where ctid = any(array(
      select j.ctid
      from import_job as j
      where (${isAbandoned(sql)} or j.finished_at < ${before}) and not exists (
        select 1
        from import_chunk as c
        where c.tenant_id = j.tenant_id and c.import_job_id = j.import_job_id)
      limit ${limit}
      for update skip locked))`
  return purged.count
}

function isNeedless(sql: Sql): ReturnType<Sql> {
  return sql`(j.finished_at is not null or ${isAbandoned(sql)})`
}

function isAbandoned(sql: Sql): ReturnType<Sql> {
  return sql`(j.state = 'receiving' and j.lease_until < now())`
}
