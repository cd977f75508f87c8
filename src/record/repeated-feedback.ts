import type { Sql } from '../db/sql.ts'
import type { Feedback } from '../feedback/feedback.ts'

/** Only so many of an address are looked through: somebody may have made thousands of his own. */
const newest = 50
const maxRows = 2_000

/**
 * Ids of those of `feedback` that the same token has brought before, as strong or stronger. A link
 * to unsubscribe is never used up.
 */
export async function findRepeatedFeedback(
  sql: Sql,
  tenantId: number,
  feedback: readonly Feedback[],
): Promise<Set<string>> {
  const tokened = await withHistory(
    sql,
    tenantId,
    feedback.filter(
      ({ kind, attribution: { tokenDay, expired } }) =>
        kind !== 'unsubscribe' && tokenDay !== null && !expired,
    ),
  )
  if (tokened.length === 0) return new Set()
  const column = <Value>(of: (one: Feedback) => Value): Value[] => tokened.map(of)
  const rows = await sql<{ feedbackId: string }[]>`
    select r.feedback_id
    from unnest(
      ${column(({ id }) => id)}::uuid[],
      ${column(({ kind }) => kind)}::text[],
      ${column(({ attribution }) => attribution.recipient)}::text[],
      ${column(({ attribution }) => attribution.tokenDay)}::integer[],
      ${column(({ attribution }) => attribution.messageReference)}::text[],
      ${column((one) => (one.kind === 'bounce' ? one.classification.bounceClass : null))}::text[]
    ) as r (feedback_id, kind, recipient, token_day, message_reference, bounce_class)
    where exists (
      select 1
      from (
        select kind, token_day, message_reference, bounce_class, token_expired, withdrawn_at
        from feedback
        where tenant_id = ${tenantId} and recipient = r.recipient
        order by reported_at desc
        limit ${newest}
      ) as f
      where f.kind = r.kind and f.token_day = r.token_day
        and f.message_reference is not distinct from r.message_reference
        and coalesce(${strength(sql, sql`f`)} <= ${strength(sql, sql`r`)}, true)
        and f.withdrawn_at is null and not f.token_expired)`
  return new Set(rows.map(({ feedbackId }) => feedbackId))
}

/** Most have none, and that is quickly found out. */
async function withHistory(
  sql: Sql,
  tenantId: number,
  feedback: readonly Feedback[],
): Promise<readonly Feedback[]> {
  if (feedback.length === 0) return feedback
  const recipients = feedback.map(({ attribution }) => attribution.recipient)
  const rows = await sql<{ recipient: string }[]>`
    select recipient
    from feedback
    where tenant_id = ${tenantId} and recipient = any(${recipients}::text[])
      and token_day is not null
    limit ${maxRows}`
  if (rows.length === maxRows) return feedback
  const known = new Set(rows.map(({ recipient }) => recipient))
  return feedback.filter(({ attribution }) => known.has(attribution.recipient))
}

/** Null for what has no class. */
function strength(sql: Sql, table: ReturnType<Sql>): ReturnType<Sql> {
  return sql`array_position(array['hard', 'soft', 'block'], ${table}.bounce_class)`
}
