import { createHash } from 'node:crypto'
import { signReturnPath } from './return-path-token.ts'
import { type SealedPurpose, sealToken } from './sealed-token.ts'
import type { SigningKey } from './signing-key.ts'
import { tokenDay } from './token-day.ts'

/** What a sender puts into one mail for one recipient, so that its feedback finds home. */
export type FeedbackHeaders = {
  /** MAIL FROM of the mail. */
  returnPath: string
  headers: {
    'List-Unsubscribe': string
    'List-Unsubscribe-Post': string
    'CFBL-Address': string
    'CFBL-Feedback-ID': string
    'X-Hearback-Ref': string
  }
  unsubscribeUrl: string
  /** Where the recipient chooses groups. */
  preferencesUrl: string
}

export type FeedbackClaim = {
  /** Canonical; an inbound domain of the key's tenant. */
  domain: string
  /** Canonical. */
  recipient: string
  groupId: number | null
  groupsToDisplay: readonly number[]
  /** Any text by which the sender knows the mail; `null`: none. */
  messageId: string | null
}

/** RFC 2369, RFC 8058, RFC 9477. `publicUrl` has no slash at its end. */
export function feedbackHeaders(
  key: SigningKey,
  publicUrl: string,
  claim: FeedbackClaim,
  now: Date,
): FeedbackHeaders {
  const { domain, recipient, groupId } = claim
  const groupsToDisplay = [...new Set(claim.groupsToDisplay)]
  const day = tokenDay(now)
  const messageReference = claim.messageId === null ? null : messageReferenceOf(claim.messageId)
  const seal = (purpose: SealedPurpose): string =>
    sealToken(key, {
      purpose,
      tenantId: key.tenantId,
      day,
      groupId,
      groupsToDisplay,
      messageReference,
      recipient,
    })
  const unsubscribe = seal('unsubscribe')
  const reference = seal('reference')
  const unsubscribeUrl = `${publicUrl}/u/${unsubscribe}`
  const localPart = signReturnPath(key, { domain, recipient, messageReference, day })
  return {
    returnPath: `${localPart}@${domain}`,
    headers: {
      'List-Unsubscribe': `<${unsubscribeUrl}>, <mailto:unsubscribe@${domain}?subject=${unsubscribe}>`,
      'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
      'CFBL-Address': `fbl@${domain}; report=arf`,
      'CFBL-Feedback-ID': reference,
      'X-Hearback-Ref': reference,
    },
    unsubscribeUrl,
    preferencesUrl: `${publicUrl}/p/${seal('preferences')}`,
  }
}

/** The 8 bytes that tokens carry, as 16 hex digits: the id itself when it is that, else its hash. */
export function messageReferenceOf(messageId: string): string {
  if (/^[0-9a-f]{16}$/.test(messageId)) return messageId
  return createHash('sha256').update(messageId).digest('hex').slice(0, 16)
}
