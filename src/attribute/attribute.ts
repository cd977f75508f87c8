import { canonicalAddress } from '../feedback/address.ts'
import type { Attribution } from '../feedback/feedback.ts'
import type { InboundDomain } from '../feedback/inbound-domain.ts'
import type { Report, UnsubscribeRequest } from '../feedback/report.ts'
import { believed, type Finding, type NamingReport, namedBy, statusOf } from './attribute-named.ts'
import type { Destination } from './destination.ts'
import type { Keyring } from './keyring.ts'
import { isRecipientOf, type ReturnPathToken, recipientDigest } from './return-path-token.ts'
import type { SealedToken } from './sealed-token.ts'
import type { SigningKey } from './signing-key.ts'
import { isInTime, type TokenUse } from './token-day.ts'
import { createTokenReader } from './token-reader.ts'
import { isSentToUs, type SenderVerdict } from './verified-sender.ts'

/** A report that may change a list. */
export type AttributableReport = NamingReport | UnsubscribeRequest

export type Whose =
  | {
      result: 'attributed'
      findings: readonly Finding[]
      /** The sender of feedback loops who vouches for it, where that is the evidence. */
      sender: string | null
    }
  | { result: 'unattributed'; reason: UnattributedReason }

export type UnattributedReason =
  | 'no-token'
  | 'token-names-somebody-else'
  | 'recipient-did-not-fail'
  | 'no-recipient'
  | 'platform-domain'
  | 'unverified-sender'
  /** The key of its sender could not be had in time: a replay may find out. */
  | 'dkim-undecided'

export type AttributeDeps = {
  keyring: Keyring
  /** Whether the message comes from a sender of feedback loops. */
  verifySender: () => Promise<SenderVerdict>
  findDomain: (name: string) => Promise<InboundDomain | null>
  now: Date
}

type Accepted = Extract<Destination, { result: 'accepted' }>

/**
 * Whose feedback a report is, at each address that it came to. What its sender writes never decides
 * whom we suppress unless a signature of ours stands behind it. Where a token of ours is found it
 * alone decides: that of the return path first, then a sealed one in fields, a return path that the
 * report quotes, and last a sealed one in what people read, which may be of other mail.
 */
export function createAttribution(
  { keyring, verifySender, findDomain, now }: AttributeDeps,
  report: Report,
): (destination: Accepted) => Promise<Whose> {
  const tokens = createTokenReader(keyring)
  if (report.type === 'unsubscribe-request') {
    return async (destination) => {
      const texts = [...destination.sealedTokens, ...report.sealedTokens]
      const tenantId = tenantOf(destination)
      const put = await tokens.openSealed(texts, tenantId)
      const copied = put.length > 0 ? [] : await tokens.openSealed(report.quotedTokens, tenantId)
      const from = canonicalAddress(report.from ?? '')
      return byRequest([...put, ...copied.filter(({ recipient }) => recipient === from)], now)
    }
  }
  if (report.type !== 'delivery-status' && report.type !== 'feedback-report') {
    return async () => unattributed('no-token')
  }
  let reading: Reading | null = null
  return async (destination) => {
    const tenantId = tenantOf(destination)
    reading ??= readingOf(report, now)
    const read = reading
    const fields = [...destination.sealedTokens, ...report.sealedTokens]
    const inTexts = () => tokens.openSealed(report.quotedTokens, tenantId)
    if (destination.token) {
      const everywhere = [...fields, ...report.quotedTokens]
      const sealed = () => tokens.openSealed(everywhere, tenantId)
      return byReturnPath(read, [destination.token], sealed)
    }
    const sealed = await tokens.openSealed(fields, tenantId)
    if (sealed.length > 0) return bySealedToken(read, sealed)
    const returnPaths = await tokens.readReturnPaths(report.returnPaths, tenantId)
    const byPath = returnPaths.length > 0 ? await byReturnPath(read, returnPaths, inTexts) : null
    if (byPath?.result === 'attributed') return byPath
    const quoted = await inTexts()
    if (quoted.length > 0) return byQuotedToken(read, quoted)
    return byPath ?? byItsWord(report, destination, { verifySender, findDomain })
  }
}

/** A token of one tenant is worth nothing at the address of another one. */
function tenantOf({ token, domain }: Accepted): number | null {
  return token?.tenantId ?? domain?.tenantId ?? null
}

/**
 * What the List-Unsubscribe of a mail put there, or the recipient himself copied from a link: no
 * other token, and nothing else, unsubscribes.
 */
function byRequest(sealed: readonly SealedToken[], now: Date): Whose {
  const meant = sealed.filter(({ purpose }) => purpose === 'unsubscribe')
  const token = onlyOne(meant)
  if (token === null) {
    return unattributed(meant.length === 0 ? 'no-token' : 'token-names-somebody-else')
  }
  const { groupId } = token
  const attribution = sealedAttribution(token, 'unsubscribe', now)
  return attributed([{ attribution, recipient: null, groupId }])
}

/** A report and what is worked out of it, once for all addresses that it came to. */
type Reading = {
  report: NamingReport
  use: TokenUse
  /** Canonical. */
  named: ReadonlySet<string>
  /** Whoever it was about is redacted. */
  namesNobody: boolean
  /** Whoever the report names and the token is for. */
  namedFor: (token: ReturnPathToken) => string | null
  now: Date
}

function readingOf(report: NamingReport, now: Date): Reading {
  const named = namedBy(report)
  const digests = new Map<SigningKey, Map<string, string>>()
  // Reports may name thousands and come with as many tokens: a digest for each address is enough.
  const namedFor = ({ key, recipientDigest: digest }: ReturnPathToken): string | null => {
    const known =
      digests.get(key) ??
      new Map([...named].map((address) => [recipientDigest(key, address).toString('hex'), address]))
    digests.set(key, known)
    return known.get(digest.toString('hex')) ?? null
  }
  const namesNobody = report.recipients.length === 0
  return { report, use: useOf(report), named, namesNobody, namedFor, now }
}

/** The recipient is whoever in the report has the token's digest; nobody has it: nobody is touched. */
async function byReturnPath(
  reading: Reading,
  tokens: readonly ReturnPathToken[],
  findSealed: () => Promise<SealedToken[]>,
): Promise<Whose> {
  const { use, namesNobody, namedFor, now } = reading
  const match = matching(tokens, namedFor)
  // Else what a sealed token says besides is of no use here.
  const sealed = match === null || use === 'unsubscribe' ? await findSealed() : []
  const sealedFor = (token: ReturnPathToken) =>
    sealed.find(({ recipient }) => isRecipientOf(token, recipient))?.recipient ?? null
  const found = match ?? matching(tokens, sealedFor)
  if (found === null) {
    const isAnybodyNamed = !namesNobody || sealed.length > 0
    return unattributed(isAnybodyNamed ? 'token-names-somebody-else' : 'no-recipient')
  }
  const { token, recipient } = found
  const { tenantId, messageReference, day: tokenDay } = token
  const expired = !isInTime(tokenDay, use, now)
  const evidence = 'return-path-token'
  const groupId = sealed.find((one) => one.recipient === recipient)?.groupId ?? null
  const attribution = {
    tenantId,
    recipient,
    messageReference,
    tokenDay,
    evidence,
    expired,
  } as const
  return concerning(reading, attribution, groupId)
}

function matching(
  tokens: readonly ReturnPathToken[],
  recipientOf: (token: ReturnPathToken) => string | null,
): { token: ReturnPathToken; recipient: string } | null {
  for (const token of tokens) {
    const recipient = recipientOf(token)
    if (recipient !== null) return { token, recipient }
  }
  return null
}

/** Somebody whom the report names, else the only one whose tokens there are. */
function bySealedToken(reading: Reading, sealed: readonly SealedToken[]): Whose {
  const { use, named, now } = reading
  const token = sealed.find(({ recipient }) => named.has(recipient)) ?? onlyOne(sealed)
  if (token === null) return unattributed('token-names-somebody-else')
  return concerning(reading, sealedAttribution(token, use, now), token.groupId)
}

/** People quote mail of others: such a token has to be of somebody whom the report does name. */
function byQuotedToken(reading: Reading, sealed: readonly SealedToken[]): Whose {
  const { named, namesNobody } = reading
  const ofNamed = namesNobody ? sealed : sealed.filter(({ recipient }) => named.has(recipient))
  if (ofNamed.length === 0) return unattributed('token-names-somebody-else')
  return bySealedToken(reading, ofNamed)
}

/** The newest, if all of them are of one recipient. */
function onlyOne(sealed: readonly SealedToken[]): SealedToken | null {
  const [newest = null] = sealed
  const isOfOne = sealed.every(
    ({ tenantId, recipient }) => tenantId === newest?.tenantId && recipient === newest.recipient,
  )
  return isOfOne ? newest : null
}

/** Without a token: as much as the domain believes. */
async function byItsWord(
  report: NamingReport,
  { domain }: Accepted,
  senders: Pick<AttributeDeps, 'verifySender' | 'findDomain'>,
): Promise<Whose> {
  if (domain === null || domain.accepts === 'signed') return unattributed('no-token')
  const { tenantId } = domain
  if (tenantId === null) return unattributed('platform-domain')
  if (domain.accepts === 'any') return attributed(believed(report, tenantId, 'unsigned'))
  if (report.type === 'delivery-status' || !isOfFeedbackLoop(report.format)) {
    return unattributed('no-token')
  }
  if (!report.isNamedByAuthor) return unattributed('no-recipient')
  const sender = report.verifiedSender ?? (await senderOf(senders, domain))
  return typeof sender === 'string'
    ? attributed(believed(report, tenantId, 'verified-sender'), sender)
    : unattributed(sender.fault)
}

/** RFC 5965, or Microsoft's. What Amazon SNS notifies of can be anything, and is signed as well. */
function isOfFeedbackLoop(format: string): boolean {
  return format === 'arf' || format === 'microsoft-jmrp'
}

async function senderOf(
  { verifySender, findDomain }: Pick<AttributeDeps, 'verifySender' | 'findDomain'>,
  ours: InboundDomain,
): Promise<string | { fault: 'dkim-undecided' | 'unverified-sender' }> {
  const verdict = await verifySender()
  if (verdict.result === 'undecided') return { fault: 'dkim-undecided' }
  const isOurs = verdict.result === 'verified' && (await isSentToUs(verdict, ours, findDomain))
  return isOurs ? verdict.sender : { fault: 'unverified-sender' }
}

function concerning({ report }: Reading, attribution: Attribution, groupId: number | null): Whose {
  if (report.type !== 'delivery-status')
    return attributed([{ attribution, recipient: null, groupId }])
  const recipient = statusOf(report, attribution.recipient)
  return typeof recipient === 'string'
    ? unattributed(recipient)
    : attributed([{ attribution, recipient, groupId }])
}

function sealedAttribution(token: SealedToken, use: TokenUse, now: Date): Attribution {
  const { tenantId, recipient, messageReference, day: tokenDay } = token
  const expired = !isInTime(tokenDay, use, now)
  return { tenantId, recipient, messageReference, tokenDay, evidence: 'sealed-token', expired }
}

function useOf(report: NamingReport): TokenUse {
  if (report.type === 'delivery-status') return 'bounce'
  return report.feedbackType === 'opt-out' ? 'unsubscribe' : 'complaint'
}

function attributed(findings: readonly Finding[], sender: string | null = null): Whose {
  return findings.length > 0
    ? { result: 'attributed', findings, sender }
    : unattributed('no-recipient')
}

function unattributed(reason: UnattributedReason): Whose {
  return { result: 'unattributed', reason }
}
