import type { EnhancedStatusCode } from '../feedback/status.ts'

/**
 * Thrown to refuse a command or a message with a reply of our own choosing (RFC 5321 section 4.2,
 * RFC 2034 section 4). Any other error that reaches the door is an outage of ours and answers 451.
 */
export class SmtpRejection extends Error {
  override name = 'SmtpRejection'
  readonly replyCode: number
  readonly status: EnhancedStatusCode
  readonly text: string

  constructor(replyCode: number, status: EnhancedStatusCode, text: string) {
    super(`${replyCode} ${status} ${text}`)
    this.replyCode = replyCode
    this.status = status
    this.text = text
  }
}
