import { type FeedbackClaim, messageReferenceOf } from './feedback-headers.ts'
import { type SealedPurpose, sealToken } from './sealed-token.ts'
import type { SigningKey } from './signing-key.ts'
import { tokenDay } from './token-day.ts'

/** Where the recipient of one mail goes. What a link leaves is sealed into its token. */
export type RecipientLinks = {
  /** `null` for mail without a group. */
  groupUnsubscribeUrl: string | null
  globalUnsubscribeUrl: string
  preferencesUrl: string
}

/** `publicUrl` has no slash at its end. */
export function recipientLinks(
  key: SigningKey,
  publicUrl: string,
  claim: Omit<FeedbackClaim, 'domain'>,
  now: Date,
): RecipientLinks {
  const { recipient, groupId, messageId } = claim
  const common = {
    tenantId: key.tenantId,
    day: tokenDay(now),
    groupsToDisplay: [...new Set(claim.groupsToDisplay)],
    messageReference: messageId === null ? null : messageReferenceOf(messageId),
    recipient,
  }
  const seal = (purpose: SealedPurpose, group: number | null): string =>
    sealToken(key, { ...common, purpose, groupId: group })
  return {
    groupUnsubscribeUrl: groupId === null ? null : `${publicUrl}/u/${seal('unsubscribe', groupId)}`,
    globalUnsubscribeUrl: `${publicUrl}/u/${seal('unsubscribe', null)}`,
    preferencesUrl: `${publicUrl}/p/${seal('preferences', groupId)}`,
  }
}
