import { findDestination } from './attribute/destination.ts'
import { type AcceptedDestination, type DecideDeps, type Decision, decide } from './decide.ts'
import { canonicalAddress } from './feedback/address.ts'
import type { Undecidable } from './feedback/replay.ts'
import type { Report } from './feedback/report.ts'
import type { Parser } from './parse/parse.ts'
import type { ReadableMessage } from './record/stored-messages.ts'
import type { Erasure } from './suppression/erased.ts'

/** What it takes to read and decide stored messages again. */
export type ReplayDeps = DecideDeps & {
  parser: Parser
  erasure: Erasure
  now: () => Date
}

export type DecidedAgain =
  | ({ result: 'decided' } & Decision)
  | { result: 'undecidable'; reason: Undecidable }

/** What today's rules make of a stored message: of its bytes where they are kept, else of its report. */
export async function decideAgain(
  deps: ReplayDeps,
  tenantId: number,
  message: ReadableMessage,
): Promise<DecidedAgain> {
  const report = await reportOf(deps, message)
  if (report === null) return { result: 'undecidable', reason: 'nothing-kept' }
  const destination = await destinationOf(deps, tenantId, message.rcptTo)
  if (destination === null) return { result: 'undecidable', reason: 'not-ours' }
  return { result: 'decided', ...(await decideAt(deps, message, destination, report)) }
}

/**
 * What a stored message says of those recipients for whom somebody vouches: its own word is evidence
 * enough then, as on a domain that accepts any. A request to unsubscribe names nobody without a
 * token. `recipients`: canonical addresses; `null`: all that it names.
 */
export async function decideVouched(
  deps: ReplayDeps,
  tenantId: number,
  message: ReadableMessage,
  recipients: readonly string[] | null,
): Promise<DecidedAgain> {
  const report = await reportOf(deps, message)
  if (report === null) return { result: 'undecidable', reason: 'nothing-kept' }
  const domain = { domain: '', tenantId, accepts: 'any' as const, roleAddresses: [] }
  const { rcptTo } = message
  const destination = {
    result: 'accepted' as const,
    rcptTo,
    domain,
    token: null,
    sealedTokens: [],
  }
  const decision = await decideAt(deps, message, destination, onlyAbout(report, recipients))
  return { result: 'decided', ...decision, report }
}

async function reportOf(
  { parser }: ReplayDeps,
  { raw, report }: ReadableMessage,
): Promise<Report | null> {
  if (raw === null) return report
  const read = await parser.parse(raw)
  if (read.type !== 'feedback-report' || report?.type !== 'feedback-report') return read
  // The key that its sender signed with may be gone by now.
  return { ...read, verifiedSender: report.verifiedSender }
}

/** `null`: mail for it would be refused today, or belong to another tenant. */
async function destinationOf(
  { keyring, findDomain }: ReplayDeps,
  tenantId: number,
  rcptTo: string,
): Promise<AcceptedDestination | null> {
  const found = await findDestination(keyring, findDomain, rcptTo)
  if (found.result !== 'accepted') return null
  const owner = found.domain?.tenantId ?? null
  return tenantId === 0 || owner === null || owner === tenantId ? found : null
}

async function decideAt(
  deps: ReplayDeps,
  { receivedMessageId, mailId, receivedAt, raw, ...stored }: ReadableMessage,
  destination: AcceptedDestination,
  report: Report,
): Promise<Decision> {
  const { mailFrom, rcptTo, helo, remoteAddress, tls } = stored
  const envelope = { mailFrom, rcptTo: [rcptTo], helo, remoteAddress, tls }
  const message = { id: mailId, receivedAt, envelope, raw: raw ?? Buffer.alloc(0) }
  const arrival = { message, content: Buffer.alloc(0), destination, report }
  const senders = raw === null ? unverifiable : deps.senders
  return decide({ ...deps, senders }, receivedMessageId, arrival)
}

/** What is signed is the bytes, and they are gone. */
const unverifiable: ReplayDeps['senders'] = {
  verify: async () => ({ result: 'undecided' }),
  close: async () => undefined,
}

/** Without the tokens of others, and without those for whom nobody vouches. */
function onlyAbout(report: Report, recipients: readonly string[] | null): Report {
  const unsigned = { ...report, sealedTokens: [], quotedTokens: [], returnPaths: [] }
  if (recipients === null) return unsigned
  const isMeant = (text: string | null): boolean =>
    text !== null && recipients.includes(canonicalAddress(text) ?? '')
  switch (unsigned.type) {
    case 'delivery-status': {
      const about = unsigned.recipients.filter(
        ({ finalRecipient, originalRecipient }) =>
          isMeant(finalRecipient) || isMeant(originalRecipient),
      )
      return { ...unsigned, recipients: about }
    }
    case 'feedback-report':
      return { ...unsigned, recipients: unsigned.recipients.filter(isMeant) }
    case 'unsubscribe-request':
    case 'automatic-response':
    case 'unrecognized':
      return unsigned
  }
}
