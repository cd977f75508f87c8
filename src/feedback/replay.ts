import type { BounceClass, Feedback, Outcome } from './feedback.ts'
import type { ReportedList } from './suppression.ts'

/** What is held to be true of one address because of one message. */
export type Verdict = {
  kind: Feedback['kind']
  bounceClass: BounceClass | null
  /** A BounceReason, of bounces. */
  classification: string | null
  rule: string | null
  status: string | null
  reason: string | null
  /** The token was past its use: recorded without effect. */
  isExpired: boolean
}

/** What an address is on a list. */
export type Standing = {
  /** `null` for complaints. */
  bounceClass: BounceClass | null
  /** `null`: until removed. */
  until: Date | null
}

/** What became, or would become, of an address on a list; `null`: not on it. */
export type ListEffect = {
  list: ReportedList
  address: string
  before: Standing | null
  after: Standing | null
}

/** Why a stored message cannot be decided again. */
export type Undecidable =
  /** Neither its bytes nor its report are kept. */
  | 'nothing-kept'
  /** What it was sent to is not an address of this tenant any more. */
  | 'not-ours'

/** What had become of a message, or has now. */
export type Decided = { outcome: Exclude<Outcome['result'], 'duplicate'>; reason: string | null }

/** One address that is seen in another light; `effect`: what it does to its list, `null`: nothing. */
export type ReplayedVerdict = {
  address: string
  before: Verdict | null
  after: Verdict | null
  effect: ListEffect | null
}

/** What today's rules make of one stored message. */
export type ReplayedMessage =
  | { result: 'replayed'; before: Decided; after: Decided; verdicts: readonly ReplayedVerdict[] }
  | { result: 'not-found' }
  | { result: 'undecidable'; reason: Undecidable }
  /** PostgreSQL refuses it as it is read now: it stays as it was. */
  | { result: 'unstorable' }
