import { canonicalAddress } from '../feedback/address.ts'
import type { Attribution, Evidence } from '../feedback/feedback.ts'
import type {
  DeliveryStatusNotification,
  FeedbackReport,
  RecipientStatus,
} from '../feedback/report.ts'

/** A report that names the people whom it is about. */
export type NamingReport = DeliveryStatusNotification | FeedbackReport

/** One recipient whom the report concerns, and what the report says of him. */
export type Finding = {
  attribution: Attribution
  /** Of delivery status notifications only. */
  recipient: RecipientStatus | null
  /** From a sealed token: the group of the mail; `null` = none. */
  groupId: number | null
}

/** Whom a report may mean, canonical. */
export function namedBy(report: NamingReport): Set<string> {
  const named: (string | null)[] = []
  if (report.type === 'delivery-status') {
    for (const status of report.recipients) named.push(...addressesOf(status))
  } else {
    named.push(...report.recipients)
  }
  named.push(...(report.original?.to ?? []))
  const canonical = named.map((text) => (text === null ? null : canonicalAddress(text)))
  return new Set(canonical.filter((address) => address !== null))
}

/**
 * What a delivery status notification says of one recipient. Where no status names him, one alone
 * is his: it names the address that his was forwarded to.
 */
export function statusOf(
  report: DeliveryStatusNotification,
  recipient: string,
): RecipientStatus | 'recipient-did-not-fail' | 'token-names-somebody-else' {
  const own = report.recipients.filter((status) =>
    addressesOf(status).some((text) => text !== null && canonicalAddress(text) === recipient),
  )
  const candidates = own.length > 0 ? own : report.recipients
  const failed = candidates.find(isFailed)
  if (failed === undefined) return 'recipient-did-not-fail'
  return own.length === 0 && candidates.length > 1 ? 'token-names-somebody-else' : failed
}

/** Everybody whom a report names, taken at its word. */
export function believed(report: NamingReport, tenantId: number, evidence: Evidence): Finding[] {
  const findings = new Map<string, Finding>()
  const add = (text: string, recipient: RecipientStatus | null): void => {
    const address = canonicalAddress(text)
    if (address === null || findings.has(address)) return
    const unproven = { messageReference: null, tokenDay: null, expired: false }
    const attribution = { tenantId, recipient: address, evidence, ...unproven }
    findings.set(address, { attribution, recipient, groupId: null })
  }
  if (report.type === 'delivery-status') {
    for (const status of report.recipients.filter(isFailed)) add(sentTo(status), status)
  } else {
    for (const recipient of report.recipients) add(recipient, null)
  }
  return [...findings.values()]
}

/** Only that is a bounce (RFC 3464 section 2.3.3). */
function isFailed({ action }: RecipientStatus): boolean {
  return action === 'failed'
}

function addressesOf(status: RecipientStatus): (string | null)[] {
  return [status.finalRecipient, status.originalRecipient, status.actualRecipient]
}

/** RFC 3464 section 2.3.1: the original recipient is the address that the sender used. */
function sentTo({ originalRecipient, finalRecipient }: RecipientStatus): string {
  return originalRecipient && canonicalAddress(originalRecipient)
    ? originalRecipient
    : finalRecipient
}
