import type { BounceReason } from './reason.ts'
import type { EnhancedStatusCode } from './status.ts'

export type BounceClass = 'hard' | 'soft' | 'block'

/** What one diagnosis means. `rule` names the entry of config/bounce-rules that decided. */
export type Classification = {
  bounceClass: BounceClass
  reason: BounceReason
  rule: string | null
}

/** Why we believe that this feedback concerns this recipient; strongest first. */
export type Evidence = 'return-path-token' | 'sealed-token' | 'verified-sender' | 'unsigned'

/** Whose feedback it is. */
export type Attribution = {
  tenantId: number
  /** Canonical address. */
  recipient: string
  /** The sender's reference of the mail, 16 hex digits, when a token carried one. */
  messageReference: string | null
  /** Of issue, days since 1970; `null` without a token. With the reference it tells the mail. */
  tokenDay: number | null
  evidence: Evidence
  /** The token is genuine but past its lifetime: record, do not suppress. */
  expired: boolean
}

type Attributed = {
  /** UUID version 7. */
  id: string
  /** `null` when it came over HTTP. */
  receivedMessageId: string | null
  reportedAt: Date
  attribution: Attribution
}

export type Bounce = Attributed & {
  kind: 'bounce'
  classification: Classification
  status: EnhancedStatusCode | null
  replyCode: number | null
  diagnosticCode: string | null
  remoteMta: string | null
  reportingMta: string | null
}

export type SpamReport = Attributed & {
  kind: 'spam-report'
  feedbackType: string
  reportingMta: string | null
  userAgent: string | null
  sourceIp: string | null
}

export type Unsubscribe = Attributed & {
  kind: 'unsubscribe'
  via: 'mailto' | 'one-click' | 'confirm-page' | 'preferences-page' | 'feedback-report'
  /** `null`: from everything. */
  groupId: number | null
}

/** What puts its recipient onto a list. */
export type Feedback = Bounce | SpamReport | Unsubscribe

/** The way back: the recipient alone can go it. */
export type Resubscribe = Attributed & {
  kind: 'resubscribe'
  via: 'preferences-page' | 'undo'
  /** `null`: to whatever was not left on its own. */
  groupId: number | null
}

/** Why a message that was read and understood changes no list. */
export type IgnoredReason = 'automatic-response' | 'not-failed' | 'not-abuse' | 'set-aside'

/** What became of one message for one of its RCPT TO: reply, log line and metric follow from it. */
export type Outcome =
  | { result: 'recorded'; feedback: readonly Feedback[] }
  | { result: 'duplicate' }
  | { result: 'ignored'; reason: IgnoredReason }
  | { result: 'unattributed'; reason: string }
  | { result: 'quarantined'; reason: string }
