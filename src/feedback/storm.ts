import type { Feedback } from './feedback.ts'
import { providerOf } from './provider.ts'

/** When too many are too many. */
export type StormLimits = {
  /** How many times the usual number an hour may bring; 0: any number. */
  factor: number
  /** Fewer than this are never a storm. */
  floor: number
}

/** Hard and block reports of a tenant from one provider, or from all. */
export type HourlyLoad = {
  /** In the hour that has begun. */
  current: number
  /** In an hour of the week before, on average. */
  usual: number
}

/** What is usual is not known before. */
export const minBaselineMs = 24 * 3_600_000

/** Who receives the mail that a feedback tells of; `null` when no storm can come of its kind. */
export function stormProvider(feedback: Feedback): string | null {
  if (feedback.kind !== 'bounce' || feedback.attribution.expired) return null
  if (feedback.classification.bounceClass === 'soft') return null
  return providerOf(feedback.remoteMta, feedback.attribution.recipient)
}

/** Whether one more report is beyond what is usual. */
export function isStorm({ current, usual }: HourlyLoad, { factor, floor }: StormLimits): boolean {
  return factor > 0 && current >= Math.max(floor, factor * usual)
}
