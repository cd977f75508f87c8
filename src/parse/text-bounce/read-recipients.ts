import type { Action, RecipientStatus } from '../../feedback/report.ts'
import { answeredCommand } from '../../feedback/smtp-command.ts'
import { type Diagnosis, diagnose } from '../diagnosis.ts'
import { looksLikeAddress, recipientAddress } from '../recipient-address.ts'
import { allAddresses } from './address-pattern.ts'
import { type Candidate, recipientLines } from './recipient-lines.ts'
import { hasReply, remoteWords } from './remote-words.ts'
import { sentenceRecipients } from './sentences.ts'
import { saysExpired } from './text-action.ts'
import { generalAnswer, readTranscript, type Transcript } from './transcript.ts'
import { wordsAbout } from './words-about.ts'

export type TextToRead = {
  /** The text up to the quotation of the mail that bounced. */
  head: string
  /** Of X-Failed-Recipients: where the header says it, the text need not. */
  failedRecipients: readonly string[]
  /** To whom the bounce went and from whom it came: they did not fail. */
  others: ReadonlySet<string>
  action: Action
}

/** Whom a text bounce names, each with the words about them. */
export function readTextRecipients(text: TextToRead): RecipientStatus[] {
  const transcript = readTranscript(text.head)
  const candidates = findCandidates(text, transcript)
  const named = new Map<string, RecipientStatus>()
  const nextStart = startsInOrder(candidates, text.head.length)
  for (const candidate of candidates) {
    const next = nextStart.get(candidate.start) ?? text.head.length
    const recipient = describe(text, candidate, next, candidates.length, transcript)
    const key = candidate.address.toLowerCase()
    const before = named.get(key)
    if (before === undefined || saysMore(recipient, before)) named.set(key, recipient)
  }
  return [...named.values()]
}

/** Where the words about one recipient end; the header may name them in another order. */
function startsInOrder(candidates: readonly Candidate[], end: number): Map<number, number> {
  const starts = [...new Set(candidates.map((candidate) => candidate.start))].sort((a, b) => a - b)
  return new Map(starts.map((start, index) => [start, starts[index + 1] ?? end]))
}

function findCandidates(text: TextToRead, { replies }: Transcript): Candidate[] {
  const { head, failedRecipients } = text
  const lines = recipientLines(head)
  if (failedRecipients.length > 0) return fromHeader(text, lines)
  const isOther = (candidate: Candidate) => text.others.has(candidate.address.toLowerCase())
  const onLines = lines.filter((line) => !isOther(line))
  if (onLines.length > 0) return onLines
  if (replies.size > 0) return [...replies.keys()].map((address) => wholeText(address))
  const sentences = sentenceRecipients(head)
  const inSentences = sentences.filter((candidate) => !isOther(candidate))
  if (inSentences.length > 0) return inSentences
  // Mail to oneself bounces, too.
  const [own] = [...lines, ...sentences]
  if (own !== undefined) return [own]
  const [only, second] = allAddresses(head).filter((address) => {
    return !text.others.has(address.toLowerCase()) && !contact.test(address)
  })
  return only === undefined || second !== undefined ? [] : [wholeText(only)]
}

const contact =
  /^(?:post-?master|abuse|support|help(?:desk)?|info|admin(?:istrator)?|webmaster|hostmaster|noc|mailer-daemon|no-?reply)@/i

/** The header names them; the text, which may shorten them to the local part, tells why. */
function fromHeader(text: TextToRead, lines: readonly Candidate[]): Candidate[] {
  const byAddress = new Map(lines.map((line) => [line.address.toLowerCase(), line]))
  return text.failedRecipients.map((address) => {
    const line = byAddress.get(address.toLowerCase())
    if (line !== undefined) return { ...line, address }
    const localPart = address.slice(0, address.lastIndexOf('@'))
    const at = text.head.indexOf(`\n  ${localPart}\n`)
    if (at < 0) return wholeText(address)
    const end = at + 3 + localPart.length
    return { address, original: null, start: at + 1, end, wordsStart: end }
  })
}

/** For an address that has no place of its own in the text. */
function wholeText(address: string): Candidate {
  return { address, original: null, start: 0, end: 0, wordsStart: 0 }
}

function describe(
  text: TextToRead,
  candidate: Candidate,
  next: number,
  count: number,
  transcript: Transcript,
): RecipientStatus {
  const words = wordsAbout(text.head, candidate, next, count)
  const reply = transcript.replies.get(candidate.address.toLowerCase()) ?? null
  const isOwn = candidate.end > 0 && hasReply(words)
  const chosen = reply !== null && !isOwn ? reply.words : words
  const remote = remoteWords(chosen)
  const diagnosis = diagnose(remote.text, null)
  const answer = reply ?? generalAnswer(transcript, diagnosis.replyCode)
  return {
    finalRecipient: recipientAddress(candidate.address) ?? candidate.address,
    originalRecipient:
      candidate.original !== null && looksLikeAddress(candidate.original)
        ? candidate.original
        : null,
    actualRecipient: null,
    action: text.action,
    ...withClass(diagnosis, text.action, chosen),
    remoteMta: remote.remoteMta,
    smtpCommand: answeredCommand(chosen) ?? answer?.command ?? null,
  }
}

/**
 * A text without any code still says whether it is final: `x.0.0` is RFC 3463's word for a class
 * of which nothing more is known. Subject and detail are never made up.
 */
function withClass(diagnosis: Diagnosis, action: Action, words: string): Diagnosis {
  if (diagnosis.status !== null || diagnosis.replyCode !== null) return diagnosis
  if (action !== 'failed' && action !== 'delayed') return diagnosis
  const isTemporary = action === 'delayed' || saysExpired(words)
  return { ...diagnosis, status: isTemporary ? '4.0.0' : '5.0.0' }
}

function saysMore(recipient: RecipientStatus, before: RecipientStatus): boolean {
  const rank = (r: RecipientStatus) => (r.status === null ? 0 : 2) + (r.replyCode === null ? 0 : 1)
  return rank(recipient) > rank(before)
}
