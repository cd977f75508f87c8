import type { EnhancedStatusCode } from '../feedback/status.ts'
import { SmtpRejection } from './smtp-rejection.ts'

/** One SMTP reply (RFC 5321 section 4.2) with its enhanced status code (RFC 2034 section 4). */
export type Reply = { replyCode: number; status: EnhancedStatusCode; text: string }

/**
 * Every outcome is kept safely, so every one is a 250: the client must not send it again. It does
 * not say which: who forges reports would learn from it what is believed.
 */
export function replyToReceived(messageId: string): Reply {
  return { replyCode: 250, status: '2.0.0', text: `Ok ${messageId}` }
}

/** A refusal in its own words; anything else is our outage, of which the client learns nothing. */
export function replyToFailure(cause: unknown): Reply {
  if (cause instanceof SmtpRejection) {
    return { replyCode: cause.replyCode, status: cause.status, text: cause.text }
  }
  return { replyCode: 451, status: '4.3.0', text: 'Temporary failure, try again later' }
}
