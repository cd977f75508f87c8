import type { BounceClass, Feedback } from './feedback.ts'

/** The lists of the v3 API, by the names that it uses. */
export type SuppressionList =
  | 'bounces'
  | 'spam_reports'
  | 'global_unsubscribes'
  | 'group_unsubscribes'

/** What stands in the history of whoever is on a list. */
export const feedbackKinds: Record<SuppressionList, Feedback['kind']> = {
  bounces: 'bounce',
  spam_reports: 'spam-report',
  global_unsubscribes: 'unsubscribe',
  group_unsubscribes: 'unsubscribe',
}

/** The lists that reports alone fill; the others are filled by what people ask for. */
export type ReportedList = Extract<SuppressionList, 'bounces' | 'spam_reports'>

/** Who put an entry onto a list; of several, those by hand come first. */
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
  /** Where a complaint, or an import, came from. */
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

/** The list of a kind of feedback; `groupId` is that of an unsubscribe, `null`: from everything. */
export function listOf(
  kind: Feedback['kind'],
  groupId: number | null,
): { list: SuppressionList; groupId: number } {
  switch (kind) {
    case 'bounce':
      return { list: 'bounces', groupId: 0 }
    case 'spam-report':
      return { list: 'spam_reports', groupId: 0 }
    case 'unsubscribe':
      return groupId === null
        ? { list: 'global_unsubscribes', groupId: 0 }
        : { list: 'group_unsubscribes', groupId }
  }
}

/** The `reason` of the v3 API: the remote server's words, else ours. */
export function bounceReason(bounce: Extract<Feedback, { kind: 'bounce' }>): string {
  return bounce.diagnosticCode ?? bounce.classification.reason
}
