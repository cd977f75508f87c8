import type { SmtpCommand } from './smtp-command.ts'
import type { EnhancedStatusCode } from './status.ts'

/** The mail that a report is about, as far as the report returned it. */
export type OriginalMessage = {
  messageId: string | null
  from: string | null
  /** Addresses of the To field, as written, without display names. */
  to: readonly string[]
  returnPath: string | null
}

/** RFC 3464 section 2.3.3 */
export type Action = 'failed' | 'delayed' | 'delivered' | 'relayed' | 'expanded'

/** RFC 3464 section 2.3: what happened to one recipient. */
export type RecipientStatus = {
  /** The address as the report writes it, without type, brackets and comments. */
  finalRecipient: string
  originalRecipient: string | null
  /** X-Actual-Recipient, a sendmail extension. */
  actualRecipient: string | null
  action: Action
  /** As the report means it; never made up. */
  status: EnhancedStatusCode | null
  replyCode: number | null
  /** The remote server's words on one line, without the `smtp;` type. */
  diagnosticCode: string | null
  remoteMta: string | null
  /**
   * The command that the remote server answered, where the report says so: the same words may
   * refuse a mailbox in reply to RCPT TO and a message at the end of DATA.
   */
  smtpCommand: SmtpCommand | null
}

/** What every kind of report may carry to say whose it is. */
type Clues = {
  /**
   * Texts shaped like a sealed token, from the header, the report fields and the header of the
   * returned mail, in the order found. Nobody has checked them yet.
   */
  sealedTokens: readonly string[]
  /** The same from what people read: the body of the returned mail, or what a bounce quotes. */
  quotedTokens: readonly string[]
  /** Addresses shaped like a signed return path, from anywhere, fields first. Not checked either. */
  returnPaths: readonly string[]
  original: OriginalMessage | null
}

/** RFC 3464, and the many formats that serve instead of it. */
export type DeliveryStatusNotification = Clues & {
  type: 'delivery-status'
  /** `rfc3464`, or the family of the text format, such as `qmail`. */
  format: string
  reportingMta: string | null
  originalEnvelopeId: string | null
  recipients: readonly RecipientStatus[]
}

/** RFC 5965 section 3 */
export type FeedbackReport = Clues & {
  type: 'feedback-report'
  /** `arf`, or the name of a provider's own format. */
  format: string
  /** Lower-case: `abuse`, `fraud`, `virus`, `not-spam`, `opt-out`, `auth-failure`, … */
  feedbackType: string
  userAgent: string | null
  reportingMta: string | null
  sourceIp: string | null
  originalMailFrom: string | null
  originalEnvelopeId: string | null
  /** Whom the report names, in order of trust; empty when everything is redacted. */
  recipients: readonly string[]
  /**
   * Who believes the author of the report may believe that: its own fields name them, or a To of
   * the returned mail that nobody on the way could change, being the only one and covered by each
   * DKIM signature of that mail.
   */
  isNamedByAuthor: boolean
  /**
   * The sender of feedback loops whose signature it bore when it came, where that decided: keys do
   * not stay in DNS, and bytes are not kept. `null` as long as nobody has looked.
   */
  verifiedSender: string | null
}

/** RFC 2369 section 3.2: mail to the address of a List-Unsubscribe field. */
export type UnsubscribeRequest = Clues & {
  type: 'unsubscribe-request'
  format: string
  from: string | null
}

/** RFC 3834: vacation notices, challenges, receipts. */
export type AutomaticResponse = Clues & {
  type: 'automatic-response'
  /** What kind of automaton answered, such as `vacation` or `disposition-notification`. */
  format: string
}

/** Mail that is none of the above, or that could not be read. */
export type Unrecognized = Clues & {
  type: 'unrecognized'
  /**
   * What it is when that much is known (`dmarc-report`, `tls-report`, `x-arf`, `enrolment`,
   * `bounce-without-recipient`), else `unknown`.
   */
  format: string
}

export type Report =
  | DeliveryStatusNotification
  | FeedbackReport
  | UnsubscribeRequest
  | AutomaticResponse
  | Unrecognized
