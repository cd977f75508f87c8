import type { Sql } from '../db/sql.ts'
import type { Verdict } from '../feedback/replay.ts'
import { recountDays } from './daily-figures.ts'

/** What a message led to, as far as it can be another one when the message is read anew. */
export type ToldFeedback = Verdict & {
  feedbackId: string
  receivedMessageId: string | null
  recipient: string
  groupId: number | null
  /** `null`: it counts. */
  withdrawnBy: Exclude<WithdrawnBy, 'replay'> | null
}

/**
 * Why feedback does not count: a replay came to another verdict, an operator took it back
 * (`revert`), it is held back with its storm or was dropped with it, or its token was used up
 * (`repeat`).
 */
type WithdrawnBy = 'replay' | 'revert' | 'storm' | 'drop' | 'repeat'

/**
 * What messages led to, but for what a replay has replaced since. With `isHeld` nobody takes it back
 * until the transaction ends.
 */
export async function listFeedbackOfMessages(
  sql: Sql,
  tenantId: number,
  receivedMessageIds: readonly string[],
  { isHeld }: { isHeld: boolean } = { isHeld: false },
): Promise<ToldFeedback[]> {
  if (receivedMessageIds.length === 0) return []
  return sql<ToldFeedback[]>`
    select
      feedback_id, received_message_id, kind, recipient, group_id, bounce_class, classification,
      rule, status, reason, token_expired as is_expired, withdrawn_by
    from feedback
    where tenant_id = ${tenantId} and received_message_id = any(${receivedMessageIds}::uuid[])
      and withdrawn_by is distinct from 'replay'
    order by feedback_id
    ${isHeld ? sql`for update` : sql``}`
}

/** A replay came to another verdict: from now on these rows count no longer. */
export async function withdrawFeedback(
  sql: Sql,
  tenantId: number,
  feedbackIds: readonly string[],
  now: Date,
): Promise<void> {
  if (feedbackIds.length === 0) return
  await sql`
    with written as (
      update feedback
      set withdrawn_at = ${now}, withdrawn_by = 'replay'
      where tenant_id = ${tenantId} and feedback_id = any(${feedbackIds}::uuid[])
        and withdrawn_at is null
      returning tenant_id, reported_at
    )
    ${recountDays(sql)}`
}
