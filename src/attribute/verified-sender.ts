import { canonicalAddress } from '../feedback/address.ts'
import type { InboundDomain } from '../feedback/inbound-domain.ts'
import {
  type HeaderField,
  readStrictHeader,
  type StrictHeader,
  unfoldedValue,
} from './dkim-header.ts'
import { usableKey } from './dkim-key.ts'
import type { ResolveTxt } from './dkim-resolver.ts'
import { type DkimSignature, readSignature, type SignatureFault } from './dkim-signature.ts'
import { createDkimThread, type DkimThreadOptions } from './dkim-thread.ts'
import type { FeedbackLoop } from './feedback-loops.ts'
import { organisationOf } from './organisation.ts'

export type SenderVerdict =
  | {
      result: 'verified'
      /** Name of the sender in config/feedback-loops.json. */
      sender: string
      /** Whom the report was sent to: what To says, which is signed. Canonical. */
      to: readonly string[]
    }
  | { result: 'unverified'; why: UnverifiedReason }
  /** Its key, or time to verify it, could not be had. */
  | { result: 'undecided' }

export type UnverifiedReason =
  | SignatureFault
  | 'too-big'
  | 'header'
  | 'unknown-sender'
  | 'no-signature'
  | 'too-many-signatures'
  | 'foreign-signature'
  | 'no-key'
  | 'bad-signature'

export type SenderVerifier = {
  /** Whether a message is from a sender of feedback loops, signed by him at `at`. Never rejects. */
  verify(raw: Buffer, at: Date): Promise<SenderVerdict>
  close(): Promise<void>
}

export type SenderVerifierDeps = {
  loops: readonly FeedbackLoop[]
  resolveTxt: ResolveTxt
  thread: DkimThreadOptions
}

/** For all signatures of one message, from the first question to DNS on. */
const deadlineMs = 5_000
const maxMessageBytes = 10 * 1024 * 1024
const maxSignatures = 5
const maxAddresses = 50
/** Fields that a message is read by: of two, two programs may take a different one. */
const single: readonly string[] = ['from', 'to', 'content-type', 'content-transfer-encoding']

/** DKIM (RFC 6376, RFC 8301, RFC 8463) for the few who may speak without a token of ours. */
export function createSenderVerifier({
  loops,
  resolveTxt,
  thread: threadOptions,
}: SenderVerifierDeps): SenderVerifier {
  const thread = createDkimThread(threadOptions)

  async function check(
    raw: Buffer,
    header: StrictHeader,
    signature: DkimSignature,
    { at, late }: { at: Date; late: AbortSignal },
  ): Promise<boolean | null | 'no-key'> {
    const answer = await resolveTxt(signature.keyName)
    if (answer.result === 'failed') return null
    const key = answer.result === 'found' ? usableKey(signature, answer.texts) : null
    if (key === null) return 'no-key'
    const message = signedMessage(raw, header, signature)
    return thread.check({ message, key, at: at.getTime() }, late)
  }

  return {
    async verify(raw, at) {
      const claim = readClaim(loops, raw, at)
      if ('why' in claim) return { result: 'unverified', why: claim.why }
      const { header, sender, to, signatures } = claim
      const late = AbortSignal.timeout(deadlineMs)
      let why: UnverifiedReason = 'no-key'
      let isUndecided = false
      for (const signature of signatures) {
        const isPassed = late.aborted ? null : await check(raw, header, signature, { at, late })
        if (isPassed === true) return { result: 'verified', sender, to }
        if (isPassed === null) isUndecided = true
        if (isPassed === false) why = 'bad-signature'
      }
      return isUndecided ? { result: 'undecided' } : { result: 'unverified', why }
    },
    close: thread.close,
  }
}

/**
 * A genuine report to somebody else, sent on to us, says nothing of our recipients. Tenants may have
 * domains under one name: what was sent to one of them is not for the other.
 */
export async function isSentToUs(
  { to }: Extract<SenderVerdict, { result: 'verified' }>,
  ours: InboundDomain,
  findDomain: (name: string) => Promise<InboundDomain | null>,
): Promise<boolean> {
  const organisation = organisationOf(ours.domain)
  const names = new Set(to.map(domainOf))
  if (names.has(ours.domain)) return true
  for (const name of names) {
    if (organisationOf(name) !== organisation) continue
    const found = await findDomain(name)
    if (found === null || found.tenantId === ours.tenantId) return true
  }
  return false
}

type Claim = {
  header: StrictHeader
  sender: string
  to: readonly string[]
  /** Those that could prove it. */
  signatures: readonly DkimSignature[]
}

/** Who the message says it is from, and by what it could prove that; without asking anybody. */
function readClaim(
  loops: readonly FeedbackLoop[],
  raw: Buffer,
  at: Date,
): Claim | { why: UnverifiedReason } {
  if (raw.length > maxMessageBytes) return { why: 'too-big' }
  const header = readStrictHeader(raw)
  if (header === null) return { why: 'header' }
  if (single.some((name) => fieldsOf(header, name).length > 1)) return { why: 'header' }
  const [from = null, ...more] = addressesIn(header, 'from')
  const to = addressesIn(header, 'to')
  if (from === null || more.length > 0 || to.length === 0) return { why: 'header' }
  const loop = loops.find((one) => one.from.includes(from) || one.from.includes(domainOf(from)))
  if (loop === undefined) return { why: 'unknown-sender' }
  const fields = fieldsOf(header, 'dkim-signature')
  if (fields.length === 0) return { why: 'no-signature' }
  if (fields.length > maxSignatures) return { why: 'too-many-signatures' }
  const read = fields.map((field) => readSignature(field, header, at))
  const signatures = read.filter((one) => typeof one !== 'string')
  const aligned = signatures.filter(
    ({ domain }) =>
      loop.dkimDomains.includes(domain) &&
      organisationOf(domain) === organisationOf(domainOf(from)),
  )
  if (aligned.length > 0) return { header, sender: loop.name, to, signatures: aligned }
  const fault = read.find((one) => typeof one === 'string')
  return { why: signatures.length > 0 ? 'foreign-signature' : (fault ?? 'no-signature') }
}

function fieldsOf(header: StrictHeader, name: string): HeaderField[] {
  return header.fields.filter((field) => field.name === name)
}

/** Canonical; none when there is anything in the field that could be read in two ways. */
function addressesIn(header: StrictHeader, name: string): string[] {
  const [field] = fieldsOf(header, name)
  if (field === undefined) return []
  const texts = unfoldedValue(field).split(',', maxAddresses + 1)
  if (texts.length > maxAddresses) return []
  const mailboxes = texts.map(mailboxAddress)
  const addresses = mailboxes.filter((address) => address !== null)
  return addresses.length === mailboxes.length ? addresses : []
}

/** `address`, `<address>` or `name <address>` (RFC 5322 section 3.4), without comments and groups. */
function mailboxAddress(text: string): string | null {
  const bare = /^(?:[^<>()@\\:;]{0,200}<([^<>()\\\s]{1,320})>|([^<>()\\\s:;"]{1,320}))$/.exec(
    text.trim(),
  )
  return canonicalAddress(bare?.[1] ?? bare?.[2] ?? '')
}

function domainOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1)
}

/** As little as the signature can be verified by: mailauth is not to meet the rest of the header. */
function signedMessage(
  raw: Buffer,
  { fields, bodyStart }: StrictHeader,
  { field, signed }: DkimSignature,
): Uint8Array<ArrayBuffer> {
  const kept = fields.filter(({ name }) => signed.includes(name))
  const head = `${[field, ...kept].map(({ text }) => text).join('\r\n')}\r\n\r\n`
  const message = new Uint8Array(head.length + raw.length - bodyStart)
  message.set(Buffer.from(head, 'latin1'))
  message.set(raw.subarray(bodyStart), head.length)
  return message
}
