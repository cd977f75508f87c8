import type { Database, Sql } from '../db/sql.ts'
import { ImportFileError } from './csv-sniff.ts'

/** The file of a job, a part at a time; throws an ImportFileError where one of them is gone. */
export async function* readChunks(
  db: Database,
  tenantId: number,
  { id, chunks }: { id: string; chunks: number },
): AsyncGenerator<Buffer> {
  for (let position = 0; position < chunks; position++) {
    const chunk = await db.run((sql) => findChunk(sql, tenantId, id, position))
    if (chunk === null) throw new ImportFileError('A part of the file is gone: send it again')
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
 * Deletes jobs that were given up before their file was whole, and those that ended before `before`.
 * Whoever was still sending finds the job gone, and not its file with a hole in it.
 */
export async function purgeJobs(sql: Sql, before: Date, limit: number): Promise<number> {
  const purged = await sql`
    delete from import_job
    where ctid = any(array(
      select ctid
      from import_job
      where (state = 'receiving' and lease_until < now()) or finished_at < ${before}
      limit ${limit}
      for update skip locked))`
  return purged.count
}

/** Deletes up to `limit` parts of files whose job is at its end, or gone. Gives back how many. */
export async function purgeChunks(sql: Sql, limit: number): Promise<number> {
  const purged = await sql`
    delete from import_chunk
    where ctid = any(array(
      select c.ctid
      from import_chunk as c
      where not exists (
        select 1
        from import_job as j
        where j.tenant_id = c.tenant_id and j.import_job_id = c.import_job_id
          and j.finished_at is null)
      limit ${limit}
      for update of c skip locked))`
  return purged.count
}
