import type { Sql } from '../db/sql.ts'

/** A complaint that waits for the key of its sender. */
export type UndecidedMessage = { tenantId: number; receivedMessageId: string }

/** Keys that are away for longer need somebody to look. */
const patienceMs = 86_400_000
const firstPauseMs = 60_000

/**
 * Complaints that are due to be looked at again: a minute after they came, and each time when they
 * are twice as old, for a day. One of each remote address before the second of any, so that whoever
 * sends thousands waits for himself. Nobody else gets them meanwhile.
 */
export async function claimUndecided(
  sql: Sql,
  now: Date,
  limit: number,
): Promise<UndecidedMessage[]> {
  const firstDue = new Date(now.getTime() - firstPauseMs)
  return sql<UndecidedMessage[]>`
    update received_message as m
    set decide_again_at = m.received_at + 2 * (${now}::timestamptz - m.received_at)
    from (
      select tenant_id, received_message_id
      from (
        select
          tenant_id, received_message_id, received_at,
          row_number() over (
            partition by remote_address order by received_at, received_message_id) as turn
        from received_message
        where ${isWaiting(sql, now)}
          and received_at <= ${firstDue} and coalesce(decide_again_at, received_at) <= ${now}
      ) as waiting
      order by turn, received_at, received_message_id
      limit ${limit}
    ) as due
    where m.tenant_id = due.tenant_id and m.received_message_id = due.received_message_id
      and m.outcome_reason = 'dkim-undecided'
      and coalesce(m.decide_again_at, m.received_at) <= ${now}
    returning m.tenant_id, m.received_message_id`
}

export async function countUndecided(sql: Sql, now: Date): Promise<number> {
  const [row] = await sql<{ waiting: number }[]>`
    select count(*)::int as waiting
    from received_message
    where ${isWaiting(sql, now)}`
  return row?.waiting ?? 0
}

/** It is not believed, and why is known now. */
export async function settleUndecided(
  sql: Sql,
  { tenantId, receivedMessageId }: UndecidedMessage,
  reason: string,
): Promise<void> {
  await sql`
    update received_message
    set outcome_reason = ${reason}
    where tenant_id = ${tenantId} and received_message_id = ${receivedMessageId}
      and outcome = 'unattributed' and outcome_reason = 'dkim-undecided'`
}

function isWaiting(sql: Sql, now: Date): ReturnType<Sql> {
  const since = new Date(now.getTime() - patienceMs)
  return sql`outcome_reason = 'dkim-undecided' and received_at > ${since}`
}
