import type { Hit, Verdict } from './check.ts'

/** A verdict in the words of every door of ours; in JSON what does not apply is absent. */
export type CheckRecord = {
  email: string
  suppressed: boolean
  reason: Verdict['reason']
  lists: {
    list: Hit['list']
    bounce_type: NonNullable<Hit['bounceClass']> | undefined
    group_id: number | undefined
    since: number
    until: number | null
  }[]
}

export function checkRecord(email: string, { reason, hits }: Verdict): CheckRecord {
  return {
    email,
    suppressed: reason !== null,
    reason,
    lists: hits.map(({ list, bounceClass, groupId, since, until }) => ({
      list,
      bounce_type: bounceClass ?? undefined,
      group_id: groupId === 0 ? undefined : groupId,
      since,
      until,
    })),
  }
}
