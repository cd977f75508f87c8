import type { BounceClass, Feedback } from './feedback.ts'

/** The lists of the v3 API, by the names that it uses. */
export type SuppressionList =
  | 'bounces'
  | 'spam_reports'
  | 'global_unsubscribes'
  | 'group_unsubscribes'

/** Who put an entry onto a list. */
export type Origin = 'report' | 'recipient' | 'api' | 'import'

/** Days that a bounce suppresses: `null` until removed, `0` listed but never suppresses. */
export type BounceDays = Record<BounceClass, number | null>

/** What is to be put onto a list. */
export type SuppressionEntry = {
  list: SuppressionList
  /** 0 for the lists that have no groups. */
  groupId: number
  /** Canonical address. */
  address: string
  origin: Origin
  since: Date
  /** `null`: until removed. */
  until: Date | null
  /** `false`: listed for the record, mail still goes out. */
  suppresses: boolean
  /** `null` on every list but `bounces`. */
  bounceClass: BounceClass | null
  status: string | null
  reason: string | null
  /** Where a complaint came from; `null` elsewhere. */
  source: string | null
}

/** What most entries are; bounces and complaints say more. */
export const untilRemoved = {
  until: null,
  suppresses: true,
  bounceClass: null,
  status: null,
  reason: null,
  source: null,
} as const satisfies Partial<SuppressionEntry>

const dayMs = 86_400_000

/**
 * Which list a feedback puts its recipient on and for how long; `null` when its token has outlived
 * its use. Bounces lapse as the tenant has set, everything else stays until removed.
 */
export function suppressionEntry(feedback: Feedback, days: BounceDays): SuppressionEntry | null {
  if (feedback.attribution.expired) return null
  const entry = {
    ...untilRemoved,
    groupId: 0,
    address: feedback.attribution.recipient,
    since: feedback.reportedAt,
  }
  switch (feedback.kind) {
    case 'bounce': {
      const { bounceClass } = feedback.classification
      const lasts = days[bounceClass]
      return {
        ...entry,
        list: 'bounces',
        origin: 'report',
        until: lasts ? new Date(feedback.reportedAt.getTime() + lasts * dayMs) : null,
        suppresses: lasts !== 0,
        bounceClass,
        status: feedback.status,
        reason: bounceReason(feedback),
      }
    }
    case 'spam-report':
      return {
        ...entry,
        list: 'spam_reports',
        origin: 'report',
        source: feedback.userAgent ?? feedback.reportingMta,
      }
    case 'unsubscribe':
      return feedback.groupId === null
        ? { ...entry, list: 'global_unsubscribes', origin: 'recipient' }
        : {
            ...entry,
            list: 'group_unsubscribes',
            origin: 'recipient',
            groupId: feedback.groupId,
          }
  }
}

/** The `reason` of the v3 API: the remote server's words, else ours. */
export function bounceReason(bounce: Extract<Feedback, { kind: 'bounce' }>): string {
  return bounce.diagnosticCode ?? bounce.classification.reason
}
