import type { Sql } from '../db/sql.ts'

/** When rows were written before which they may go. */
export type RetentionLimits = { messages: Date; raw: Date; digests: Date }

/**
 * Deletes up to `limit` rows of each table that are past their time; the number deleted. History of
 * addresses (table feedback) stays.
 */
export async function purgeRecords(
  sql: Sql,
  before: RetentionLimits,
  limit: number,
): Promise<number> {
  const raw = await sql`
    delete from raw_message
    where ctid = any(array(
      select ctid
      from raw_message
      where received_at < ${before.raw}
      limit ${limit}
      for update skip locked))`
  const messages = await sql`
    delete from received_message
    where ctid = any(array(
      select ctid
      from received_message
      where received_at < ${before.messages}
      limit ${limit}
      for update skip locked))`
  const digests = await sql`
    delete from message_digest
    where ctid = any(array(
      select ctid
      from message_digest
      where seen_at < ${before.digests}
      limit ${limit}
      for update skip locked))`
  return raw.count + messages.count + digests.count
}
