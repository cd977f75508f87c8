import type { Action, RecipientStatus } from '../../feedback/report.ts'
import { type Diagnosis, diagnose } from '../diagnosis.ts'
import { looksLikeAddress, recipientAddress } from '../recipient-address.ts'
import { saysExpired } from './delay.ts'
import { divideAtQuotation } from './quoted-original.ts'
import { type Candidate, recipientLines } from './recipient-lines.ts'
import { hasReply, remoteWords } from './remote-words.ts'
import { allAddresses, sentenceRecipients } from './sentences.ts'
import { transcriptReplies } from './transcript.ts'

export type TextToRead = {
  /** The text up to the quotation of the mail that bounced. */
  head: string
  /** Of X-Failed-Recipients: where the header says it, the text need not. */
  failedRecipients: readonly string[]
  /** To whom the bounce went and from whom it came: they did not fail. */
  others: ReadonlySet<string>
  action: Action
}

/**
 * Completes the recipients of a delivery-status part that gives no diagnosis with the words that
 * the text beside it has for them. Who the recipients are is not the text's to say.
 */
export function explainRecipients(
  recipients: readonly RecipientStatus[],
  text: string,
): RecipientStatus[] {
  const { head } = divideAtQuotation(text)
  const lines = recipientLines(head)
  const replies = transcriptReplies(head)
  const words = new Map<string, string>(replies)
  lines.forEach((line, index) => {
    const next = lines[index + 1]?.start ?? head.length
    const about = firstParagraph(
      head.slice(line.wordsStart, Math.min(next, line.wordsStart + maxWords)),
    )
      .replace(forwardingNote, '')
      .trim()
    if (about.length >= minTelling) words.set(line.address.toLowerCase(), about)
  })
  return recipients.map((recipient) => {
    if (recipient.diagnosticCode !== null) return recipient
    const about =
      words.get(recipient.finalRecipient.toLowerCase()) ??
      words.get(recipient.originalRecipient?.toLowerCase() ?? '')
    if (about === undefined) return recipient
    const remote = remoteWords(about)
    const { status, replyCode, diagnosticCode } = diagnose(remote.text, recipient.status)
    const remoteMta = recipient.remoteMta ?? remote.remoteMta
    return { ...recipient, status, replyCode, diagnosticCode, remoteMta }
  })
}

/** Whom a text bounce names, each with the words about them. */
export function readTextRecipients(text: TextToRead): RecipientStatus[] {
  const replies = transcriptReplies(text.head)
  const candidates = findCandidates(text, replies)
  const named = new Map<string, RecipientStatus>()
  candidates.forEach((candidate, index) => {
    const next = candidates[index + 1]?.start ?? text.head.length
    const recipient = describe(text, candidate, next, candidates.length, replies)
    const key = candidate.address.toLowerCase()
    const before = named.get(key)
    if (before === undefined || saysMore(recipient, before)) named.set(key, recipient)
  })
  return [...named.values()]
}

function findCandidates(text: TextToRead, replies: ReadonlyMap<string, string>): Candidate[] {
  const { head, failedRecipients } = text
  const lines = recipientLines(head)
  if (failedRecipients.length > 0) return fromHeader(text, lines)
  const isOther = (candidate: Candidate) => text.others.has(candidate.address.toLowerCase())
  const onLines = lines.filter((line) => !isOther(line))
  if (onLines.length > 0) return onLines
  if (replies.size > 0) return [...replies.keys()].map((address) => wholeText(head, address))
  const sentences = sentenceRecipients(head)
  const inSentences = sentences.filter((candidate) => !isOther(candidate))
  if (inSentences.length > 0) return inSentences
  // Mail to oneself bounces, too.
  const [own] = [...lines, ...sentences]
  if (own !== undefined) return [own]
  const [only, second] = allAddresses(head).filter((address) => {
    return !text.others.has(address.toLowerCase()) && !contact.test(address)
  })
  return only === undefined || second !== undefined ? [] : [wholeText(head, only)]
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
    if (at < 0) return wholeText(text.head, address)
    const end = at + 3 + localPart.length
    return { address, original: null, start: at + 1, end, wordsStart: end }
  })
}

function wholeText(head: string, address: string): Candidate {
  return { address, original: null, start: 0, end: 0, wordsStart: Math.min(0, head.length) }
}

function describe(
  text: TextToRead,
  candidate: Candidate,
  next: number,
  count: number,
  replies: ReadonlyMap<string, string>,
): RecipientStatus {
  const words = wordsAbout(text.head, candidate, next, count)
  const reply = replies.get(candidate.address.toLowerCase())
  const isOwn = candidate.end > 0 && hasReply(words)
  const chosen = reply !== undefined && !isOwn ? reply : words
  const remote = remoteWords(chosen)
  return {
    finalRecipient: recipientAddress(candidate.address) ?? candidate.address,
    originalRecipient:
      candidate.original !== null && looksLikeAddress(candidate.original)
        ? candidate.original
        : null,
    actualRecipient: null,
    action: text.action,
    ...withClass(diagnose(remote.text, null), text.action, chosen),
    remoteMta: remote.remoteMta,
  }
}

/**
 * A text without any code still says whether it is final: `x.0.0` is RFC 3463's word for a class
 * of which nothing more is known. Subject and detail are never made up.
 */
function withClass(diagnosis: Diagnosis, action: Action, words: string): Diagnosis {
  if (diagnosis.status !== null || diagnosis.replyCode !== null) return diagnosis
  const isTemporary = action === 'delayed' || saysExpired(words)
  return { ...diagnosis, status: isTemporary ? '4.0.0' : '5.0.0' }
}

/**
 * Where a server's reply stands: on the line, below it, and, when only one recipient is named,
 * anywhere. Where there is none, the words below the line, or those of the whole text.
 */
function wordsAbout(head: string, candidate: Candidate, next: number, count: number): string {
  const rest = head.slice(candidate.wordsStart, Math.min(next, candidate.wordsStart + maxWords))
  const paragraph = firstParagraph(rest)
  if (candidate.end > 0 && hasReply(paragraph)) return paragraph
  const more = rest.replace(boilerplate, '')
  if (hasReply(more)) return more
  if (count > 1) return paragraph
  const whole = head.slice(0, maxWords).replace(boilerplate, '').replace(saidToAll, '')
  if (hasReply(whole)) return whole
  const telling = more
    .replace(/^[\s:>\].]+/, '')
    .replace(forwardingNote, '')
    .trim()
  return candidate.end > 0 && telling.length >= minTelling ? telling.slice(0, maxPlainWords) : whole
}

/** Exim's `(ultimately generated from alias@example.com)`. */
const forwardingNote = /^\(?(?:ultimately )?(?:generated|expanded) from[^\n)]{0,400}\)?/i

const maxWords = 4_096
const maxPlainWords = 1_000
const minTelling = 8

function firstParagraph(text: string): string {
  const trimmed = text.replace(/^[\s:]+/, '')
  const end = trimmed.search(/[^\n:]\n[ \t\r]*\n/)
  return (end < 0 ? trimmed : trimmed.slice(0, end + 1)).trim()
}

/** From here on a text bounce repeats what it says to everybody. */
const boilerplate =
  /(?:^_{5,}|no action is required on your part|for further assistance, please|please do not reply to this|this condition occurred after|if you sent the email to multiple|the attachment contains|no further delivery attempts)[\s\S]*$/im

const saidToAll = new RegExp(
  [
    'this message was created automatically by (?:the )?(?:mail delivery software|[^.\\n]{1,80})\\.',
    'this is an automatically generated delivery status notification\\.?',
    'a message that you (?:have )?sent could not be delivered to (?:one or more of its|all of its|one or more)\\s+recipients\\.',
    'this is a permanent error\\.',
    'the following address(?:\\(es\\)|es)?\\s+failed:',
    "(?:i'm sorry|we are sorry|sorry) to (?:have to )?inform you[^.]{0,200}\\.",
  ].join('|'),
  'gi',
)

function saysMore(recipient: RecipientStatus, before: RecipientStatus): boolean {
  const rank = (r: RecipientStatus) => (r.status === null ? 0 : 2) + (r.replyCode === null ? 0 : 1)
  return rank(recipient) > rank(before)
}
