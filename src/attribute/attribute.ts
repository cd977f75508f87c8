import { canonicalAddress } from '../feedback/address.ts'
import type { Attribution, Evidence } from '../feedback/feedback.ts'
import type {
  DeliveryStatusNotification,
  FeedbackReport,
  RecipientStatus,
  UnsubscribeRequest,
} from '../feedback/report.ts'
import type { Destination } from './destination.ts'
import type { Keyring } from './keyring.ts'
import { isRecipientOf, type ReturnPathToken } from './return-path-token.ts'
import { openSealed, type SealedToken } from './sealed-token.ts'
import { isInTime, type TokenUse } from './token-day.ts'

/** A report that may change a list. */
export type AttributableReport = DeliveryStatusNotification | FeedbackReport | UnsubscribeRequest

/** One recipient whom the report concerns, and what the report says of him. */
export type Finding = {
  attribution: Attribution
  /** Of delivery status notifications only. */
  recipient: RecipientStatus | null
  /** From a sealed token: the group of the mail; `null` = none. */
  groupId: number | null
}

export type Whose =
  | { result: 'attributed'; findings: readonly Finding[] }
  | { result: 'unattributed'; reason: UnattributedReason }

export type UnattributedReason =
  | 'no-token'
  | 'token-names-somebody-else'
  | 'recipient-did-not-fail'
  | 'no-recipient'
  | 'platform-domain'

type Accepted = Extract<Destination, { result: 'accepted' }>

/**
 * Whose feedback this is. What the sender of a report writes never decides whom we suppress unless
 * a signature of ours stands behind it: a token in the return path first, then a sealed token
 * anywhere in the report, and the report's own word only where the domain accepts `any`.
 */
export async function attribute(
  keyring: Keyring,
  destination: Accepted,
  report: AttributableReport,
  now: Date,
): Promise<Whose> {
  const tenantId = destination.token?.tenantId ?? destination.domain?.tenantId ?? null
  const sealed = (await openAll(keyring, report.sealedTokens, tenantId))
    .filter(({ purpose }) => report.type !== 'unsubscribe-request' || purpose === 'unsubscribe')
    .sort((a, b) => b.day - a.day)
  if (destination.token) return byReturnPath(destination.token, report, sealed, now)
  if (sealed.length > 0) return bySealedToken(sealed, report, now)
  return unsigned(destination, report)
}

/** The recipient is whoever in the report has the token's digest; nobody has it: nobody is touched. */
function byReturnPath(
  token: ReturnPathToken,
  report: AttributableReport,
  sealed: readonly SealedToken[],
  now: Date,
): Whose {
  const named = candidates(report, sealed)
    .map(canonicalAddress)
    .find((address) => address !== null && isRecipientOf(token, address))
  if (!named) return { result: 'unattributed', reason: 'token-names-somebody-else' }
  const seal = sealed.find(({ recipient }) => recipient === named)
  return finding(report, {
    tenantId: token.tenantId,
    recipient: named,
    messageReference: token.messageReference,
    evidence: 'return-path-token',
    expired: !isInTime(token.day, useOf(report), now),
    groupId: seal?.groupId ?? null,
  })
}

function bySealedToken(
  sealed: readonly SealedToken[],
  report: AttributableReport,
  now: Date,
): Whose {
  const named = candidates(report, []).map(canonicalAddress)
  const token = sealed.find(({ recipient }) => named.includes(recipient)) ?? sealed[0]
  if (!token) return { result: 'unattributed', reason: 'no-token' }
  return finding(report, {
    tenantId: token.tenantId,
    recipient: token.recipient,
    messageReference: token.messageReference,
    evidence: 'sealed-token',
    expired: !isInTime(token.day, useOf(report), now),
    groupId: token.groupId,
  })
}

/** Mail from just anyone: taken at its word where the operator said so, but never an unsubscribe. */
function unsigned(destination: Accepted, report: AttributableReport): Whose {
  const { domain } = destination
  if (domain === null || domain.accepts !== 'any' || report.type === 'unsubscribe-request') {
    return { result: 'unattributed', reason: 'no-token' }
  }
  const { tenantId } = domain
  if (tenantId === null) return { result: 'unattributed', reason: 'platform-domain' }
  const evidence: Evidence = 'unsigned'
  const attributionTo = (recipient: string): Attribution => {
    return { tenantId, recipient, messageReference: null, evidence, expired: false }
  }
  const findings: Finding[] = []
  const seen = new Set<string>()
  const add = (text: string | null, recipient: RecipientStatus | null): void => {
    const address = text === null ? null : canonicalAddress(text)
    if (address === null || seen.has(address)) return
    seen.add(address)
    findings.push({ attribution: attributionTo(address), recipient, groupId: null })
  }
  if (report.type === 'delivery-status') {
    for (const status of failed(report)) add(sentTo(status), status)
  } else {
    for (const recipient of report.recipients) add(recipient, null)
  }
  return findings.length > 0
    ? { result: 'attributed', findings }
    : { result: 'unattributed', reason: 'no-recipient' }
}

/** RFC 3464 section 2.3.1: the original recipient is the address that the sender used. */
function sentTo(status: RecipientStatus): string {
  const { originalRecipient, finalRecipient } = status
  return originalRecipient && canonicalAddress(originalRecipient)
    ? originalRecipient
    : finalRecipient
}

/** Whom a report may mean, in order of trust. */
function candidates(report: AttributableReport, sealed: readonly SealedToken[]): string[] {
  const named: (string | null)[] = []
  if (report.type === 'delivery-status') {
    for (const status of report.recipients) {
      named.push(status.finalRecipient, status.originalRecipient, status.actualRecipient)
    }
  } else if (report.type === 'feedback-report') {
    named.push(...report.recipients)
  }
  named.push(...sealed.map(({ recipient }) => recipient), ...(report.original?.to ?? []))
  return named.filter((address) => address !== null)
}

/**
 * The status of the token's recipient. Where none names him, one alone is his: it names the address
 * that his was forwarded to.
 */
function finding(
  report: AttributableReport,
  token: Attribution & { groupId: number | null },
): Whose {
  const { groupId, ...attribution } = token
  if (report.type !== 'delivery-status') {
    return { result: 'attributed', findings: [{ attribution, recipient: null, groupId }] }
  }
  const own = report.recipients.filter((status) => names(status, attribution.recipient))
  const candidates = own.length > 0 ? own : report.recipients
  const statuses = candidates.filter(({ action }) => action === 'failed')
  const [recipient] = statuses
  if (!recipient) return { result: 'unattributed', reason: 'recipient-did-not-fail' }
  if (own.length === 0 && candidates.length > 1) {
    return { result: 'unattributed', reason: 'token-names-somebody-else' }
  }
  return { result: 'attributed', findings: [{ attribution, recipient, groupId }] }
}

function names(status: RecipientStatus, recipient: string): boolean {
  return [status.finalRecipient, status.originalRecipient, status.actualRecipient].some(
    (address) => address !== null && canonicalAddress(address) === recipient,
  )
}

/** Only `failed` is a bounce (RFC 3464 section 2.3.3). */
function failed(report: DeliveryStatusNotification): RecipientStatus[] {
  return report.recipients.filter(({ action }) => action === 'failed')
}

/** A token of one tenant is worth nothing at the address of another one. */
async function openAll(
  keyring: Keyring,
  texts: readonly string[],
  tenantId: number | null,
): Promise<SealedToken[]> {
  const opened = await Promise.all(texts.map((text) => openSealed(text, keyring.byId)))
  return opened
    .filter((token) => token !== null)
    .filter((token) => tenantId === null || token.tenantId === tenantId)
}

function useOf(report: AttributableReport): TokenUse {
  switch (report.type) {
    case 'delivery-status':
      return 'bounce'
    case 'feedback-report':
      return report.feedbackType === 'opt-out' ? 'unsubscribe' : 'complaint'
    case 'unsubscribe-request':
      return 'unsubscribe'
  }
}
