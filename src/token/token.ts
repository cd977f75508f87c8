import {
  type FeedbackHeaders,
  feedbackHeaders as headersOf,
  messageReferenceOf,
} from '../attribute/feedback-headers.ts'
import { readKeyExport } from '../attribute/key-export.ts'
import { recipientLinks } from '../attribute/recipient-links.ts'
import {
  hasGroupTags,
  type MailContent,
  renderTags as replaceTags,
} from '../attribute/render-tags.ts'
import { signReturnPath as localPartOf } from '../attribute/return-path-token.ts'
import {
  maxGroupsToDisplay,
  type SealedPurpose,
  sealedPurposes,
  sealToken,
} from '../attribute/sealed-token.ts'
import type { SigningKey } from '../attribute/signing-key.ts'
import { tokenDay } from '../attribute/token-day.ts'
import { canonicalAddress, canonicalDomain } from '../feedback/address.ts'

// The module `hearback/token`: for programs that sign their own mail. It reaches nothing but
// node:crypto and node:url, and gives what the v3 API gives on the same day.

export type { FeedbackHeaders, MailContent, SealedPurpose, SigningKey }

/** As many days as a token has room for: until 2149. */
const maxDay = 0xffff
/** PostgreSQL's integer. */
const maxGroupId = 0x7fffffff

/** One mail to one recipient. What does not apply stays away. */
export type MailClaim = {
  /** From readSigningKey. */
  key: SigningKey
  /** The recipient, in any spelling. */
  email: string
  /** Any text by which the sender knows the mail. */
  messageId?: string | null | undefined
  /** Tokens carry the day; the present when absent. */
  now?: Date | undefined
}

export type GroupClaim = {
  /** What a click on unsubscribe leaves; all mail when absent. */
  groupId?: number | null | undefined
  /** What the preference page offers, at most 25. */
  groupsToDisplay?: readonly number[] | null | undefined
}

/** Reads what `hearback signing-key export` wrote. Throws a TypeError for anything else. */
export function readSigningKey(exportText: string): SigningKey {
  const key = readKeyExport(exportText.trim())
  if (key !== null) return key
  throw new TypeError('not an exported signing key, or not the whole of it')
}

/** The address for MAIL FROM. Throws a TypeError for what cannot be signed. */
export function signReturnPath(claim: MailClaim & { domain: string }): string {
  const domain = domainOf(claim.domain)
  const { key, day, ...mail } = mailOf(claim)
  return `${localPartOf(key, { domain, day, ...mail })}@${domain}`
}

/** Throws a TypeError for what cannot be sealed. */
export function sealedToken(claim: MailClaim & GroupClaim & { purpose: SealedPurpose }): string {
  const { purpose } = claim
  if (!sealedPurposes.includes(purpose)) {
    throw new TypeError(`purpose: must be one of ${sealedPurposes.join(', ')}`)
  }
  const { key, ...mail } = mailOf(claim)
  return sealToken(key, { purpose, tenantId: key.tenantId, ...groupsOf(claim), ...mail })
}

/**
 * The return path, the header fields and the links of a mail. `publicUrl` is HEARBACK_PUBLIC_URL of
 * the daemon. Throws a TypeError for what cannot be signed.
 */
export function feedbackHeaders(
  claim: MailClaim & GroupClaim & { domain: string; publicUrl: string },
): FeedbackHeaders {
  const { messageId = null, now = new Date() } = claim
  const { key, recipient } = mailOf(claim)
  const mail = { domain: domainOf(claim.domain), recipient, messageId, ...groupsOf(claim) }
  return headersOf(key, publicUrlOf(claim), mail, now)
}

/**
 * Puts the links of one recipient in place of the substitution tags of a mail, as POST
 * /v3/feedback/render does. Throws a TypeError for what cannot be signed, and for the tag of a group
 * in mail without one.
 */
export function renderTags(
  claim: MailClaim &
    GroupClaim & {
      publicUrl: string
      html?: string | null | undefined
      text?: string | null | undefined
      /** Stands for the bare address of the unsubscribe page; `[unsubscribe]` when absent. */
      substitutionTag?: string | null | undefined
    },
): MailContent {
  const { messageId = null, now = new Date(), html = null, text = null } = claim
  const { key, recipient } = mailOf(claim)
  const mail = { recipient, messageId, ...groupsOf(claim) }
  const content = { html, text }
  if (mail.groupId === null && hasGroupTags(content)) {
    throw new TypeError('groupId: is needed for the tag of a group')
  }
  const links = recipientLinks(key, publicUrlOf(claim), mail, now)
  return replaceTags(content, links, claim.substitutionTag ?? null)
}

function mailOf({ key, email, messageId = null, now = new Date() }: MailClaim) {
  const recipient = canonicalAddress(email)
  if (recipient === null) throw new TypeError('email: must be the address of the recipient')
  if (messageId === '') throw new TypeError('messageId: must be some text')
  const day = tokenDay(now)
  if (!(day >= 0 && day <= maxDay)) throw new TypeError('now: must be a date of today')
  const messageReference = messageId === null ? null : messageReferenceOf(messageId)
  return { key, recipient, messageReference, day }
}

function publicUrlOf({ publicUrl }: { publicUrl: string }): string {
  if (/^https?:\/\/[^\s<>"]+$/.test(publicUrl)) return publicUrl.replace(/\/$/, '')
  throw new TypeError('publicUrl: must be a URL such as https://feedback.example.com')
}

function domainOf(text: string): string {
  const domain = canonicalDomain(text)
  if (domain === null) throw new TypeError('domain: must be an inbound domain of the tenant')
  return domain
}

function groupsOf({ groupId = null, groupsToDisplay }: GroupClaim) {
  const displayed = [...new Set(groupsToDisplay)]
  if (groupId !== null && !isGroup(groupId)) {
    throw new TypeError('groupId: must be a positive whole number')
  }
  if (!displayed.every(isGroup) || displayed.length > maxGroupsToDisplay) {
    throw new TypeError(`groupsToDisplay: must be at most ${maxGroupsToDisplay} groups`)
  }
  return { groupId, groupsToDisplay: displayed }
}

function isGroup(id: number): boolean {
  return Number.isInteger(id) && id > 0 && id <= maxGroupId
}
