import type { Feedback } from './feedback.ts'
import { providerOf } from './provider.ts'

/** When too many are too many. */
export type StormLimits = {
  /** How many times the usual number an hour may bring; 0: any number. */
  factor: number
  /** Fewer than this are never a storm. */
  floor: number
}

/** Hard and block reports that were believed in the hours before, from one provider or from all. */
export type Usual = { average: number; busiest: number }

/** What is usual is not known before. */
export const minBaselineMs = 24 * 3_600_000

/** Who receives the mail that a feedback tells of; `null` when no storm can come of its kind. */
export function stormProvider(feedback: Feedback): string | null {
  if (feedback.kind !== 'bounce' || feedback.attribution.expired) return null
  if (feedback.classification.bounceClass === 'soft') return null
  return providerOf(feedback.remoteMta, feedback.attribution.recipient)
}

/** How many reports of an hour are believed; what exceeds it is a storm. */
export function stormLimit({ average, busiest }: Usual, { factor, floor }: StormLimits): number {
  return factor === 0 ? Number.POSITIVE_INFINITY : Math.max(floor, factor * average, busiest)
}
