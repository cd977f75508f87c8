import type { Sql } from './db/sql.ts'
import type { Feedback } from './feedback/feedback.ts'
import { holdLiveGroups } from './suppression/groups.ts'

/**
 * The same feedback, in its order. A group may be deleted between what was decided and what is
 * written of it: whoever left it leaves everything then. The others stay until the transaction ends.
 */
export async function aboutLiveGroups(
  sql: Sql,
  tenantId: number,
  feedback: readonly Feedback[],
): Promise<readonly Feedback[]> {
  const left = feedback.flatMap((one) => (one.kind === 'unsubscribe' ? (one.groupId ?? []) : []))
  if (left.length === 0) return feedback
  const live = await holdLiveGroups(sql, tenantId, left)
  return feedback.map((one) => {
    const isGone = one.kind === 'unsubscribe' && one.groupId !== null && !live.has(one.groupId)
    return isGone ? { ...one, groupId: null } : one
  })
}
