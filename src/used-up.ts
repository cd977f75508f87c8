import type { Sql } from './db/sql.ts'
import type { Feedback } from './feedback/feedback.ts'
import { listOf } from './feedback/suppression.ts'
import { findListed } from './suppression/listed.ts'

/**
 * Feedback that changes no list: its token has put the recipient there before, and somebody took
 * him off. As long as he is listed it counts, for it may prolong. `repeated`: ids of what the same
 * token has brought before.
 */
export async function findUsedUp(
  sql: Sql,
  tenantId: number,
  feedback: readonly Feedback[],
  repeated: ReadonlySet<string>,
): Promise<ReadonlySet<Feedback>> {
  const places = feedback
    .filter(({ id }) => repeated.has(id))
    .map((one) => {
      return { one, address: one.attribution.recipient, ...listOf(one.kind, null) }
    })
  const listed = new Set(await findListed(sql, tenantId, places))
  return new Set(places.filter((place) => !listed.has(place)).map(({ one }) => one))
}
