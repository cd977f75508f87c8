import type { Sql } from '../db/sql.ts'

/** When rows were written before which they may go. */
export type RetentionLimits = { messages: Date; digests: Date }

/**
 * Deletes up to `limit` rows of each table that are past their time; the number deleted. History of
 * addresses (table feedback) stays.
 */
export async function purgeRecords(
  sql: Sql,
  before: RetentionLimits,
  limit: number,
): Promise<number> {
  const purge = async (table: string, writtenAt: string, limitOfTime: Date): Promise<number> => {
    const purged = await sql`
      delete from ${sql(table)}
      where ctid = any(array(
        select ctid
        from ${sql(table)}
        where ${sql(writtenAt)} < ${limitOfTime}
        limit ${limit}
        for update skip locked))`
    return purged.count
  }
  return (
    (await purge('received_message', 'received_at', before.messages)) +
    (await purge('message_digest', 'seen_at', before.digests))
  )
}
