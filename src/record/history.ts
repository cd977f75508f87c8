import type { Sql } from '../db/sql.ts'
import type { BounceClass, Feedback } from '../feedback/feedback.ts'

/** One feedback about an address, as far as the lists show it. */
export type PastFeedback = {
  reportedAt: Date
  bounceClass: BounceClass | null
  status: string | null
  reason: string | null
  source: string | null
}

/** The feedback of one kind about an address since a time, newest first, at most `limit`. */
export async function listFeedback(
  sql: Sql,
  tenantId: number,
  { recipient, kind, since }: { recipient: string; kind: Feedback['kind']; since: Date },
  limit: number,
): Promise<PastFeedback[]> {
  return sql<PastFeedback[]>`
    select reported_at, bounce_class, status, reason, source
    from feedback
    where tenant_id = ${tenantId} and recipient = ${recipient} and kind = ${kind}
      and reported_at >= ${since} and not token_expired and withdrawn_at is null
    order by reported_at desc, feedback_id desc
    limit ${limit}`
}

/** The newest bounce of the class that is asked for, for each address that has one. */
export async function findNewestBounces(
  sql: Sql,
  tenantId: number,
  wanted: readonly { recipient: string; bounceClass: BounceClass }[],
): Promise<Map<string, { status: string | null; reason: string | null }>> {
  if (wanted.length === 0) return new Map()
  const rows = await sql<{ recipient: string; status: string | null; reason: string | null }[]>`
    select distinct on (f.recipient) f.recipient, f.status, f.reason
    from unnest(
      ${wanted.map(({ recipient }) => recipient)}::text[],
      ${wanted.map(({ bounceClass }) => bounceClass)}::text[]
    ) as w (recipient, bounce_class)
    join feedback as f
      on f.tenant_id = ${tenantId} and f.recipient = w.recipient
      and f.kind = 'bounce' and f.bounce_class = w.bounce_class and not f.token_expired
      and f.withdrawn_at is null
    order by f.recipient, f.reported_at desc, f.feedback_id desc`
  return new Map(rows.map(({ recipient, status, reason }) => [recipient, { status, reason }]))
}
