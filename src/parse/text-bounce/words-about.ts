import type { Candidate } from './recipient-lines.ts'
import { hasReply } from './remote-words.ts'

/**
 * Where a server's reply stands: on the line, below it, and, when only one recipient is named,
 * anywhere. Where there is none, the words below the line, or those of the whole text.
 */
export function wordsAbout(
  head: string,
  candidate: Candidate,
  next: number,
  count: number,
): string {
  const rest = head.slice(candidate.wordsStart, Math.min(next, candidate.wordsStart + maxWords))
  const paragraph = firstParagraph(rest)
  if (candidate.end > 0 && hasReply(paragraph)) return paragraph
  const more = rest.replace(boilerplate, '')
  if (hasReply(more)) return replyParagraph(more)
  if (count > 1) return paragraph
  const whole = head.slice(0, maxWords).replace(boilerplate, '').replace(saidToAll, '')
  if (hasReply(whole)) return replyParagraph(whole)
  const telling = withoutPreface(more.replace(/^[\s:>\].]+/, ''))
  return candidate.end > 0 && telling.length >= minTelling ? telling.slice(0, maxPlainWords) : whole
}

/** What some put between the address and the reason. */
function withoutPreface(text: string): string {
  return text
    .replace(leadingDate, '')
    .replace(forwardingNote, '')
    .replace(originalLine, '')
    .replace(headings, '')
    .replace(reasonLabel, '')
    .trim()
}

const reasonLabel =
  /^\s{0,20}(?:delay )?(?:reason|error|grund|raison|motivo?|reden|pow[óo]d|причина|理由|原因)[ \t]{0,4}[:：]/i

/** `because:` and `----- Non-delivered information -----`. */
const headings =
  /^\s{0,20}(?:[^\n:@]{1,40}:[ \t]{0,9}\n|-{3,80}[^\n]{0,80}-{3}[ \t]{0,9}\n)(?=\s{0,20}\S)/

const originalLine = /^\s{0,20}original[ -](?:recipient|address)[^\n]{0,400}\n/i

/** Exim's `(ultimately generated from alias@example.com)`. */
const forwardingNote = /^\(?(?:ultimately )?(?:generated|expanded) from[^\n)]{0,400}\)?/i

const maxWords = 4_096
const maxPlainWords = 1_000
const minTelling = 8

/** The paragraph on and below the line alone; `null` when it says nothing. */
export function ownWords(head: string, candidate: Candidate, next: number): string | null {
  const end = Math.min(next, candidate.wordsStart + maxWords)
  const words = withoutPreface(firstParagraph(head.slice(candidate.wordsStart, end)))
  return words.length < minTelling ? null : words
}

/** Exchange writes `user@example.com on Mon, 2 Nov 2026 10:00:00 +0000` above the reason. */
const leadingDate =
  /^(?:[a-z]{3}, )?\d{1,2}[ ./-](?:\d{1,2}|[a-z]{3})[ ./-]\d{4}\b[\d: +-]{0,20}(?:[ap]m\b|\([a-z]{2,5}\))?\s/i

function firstParagraph(text: string): string {
  const trimmed = text
    .replace(/^[\s:]+/, '')
    .replace(leadingDate, '')
    .replace(originalLine, '')
  const end = trimmed.search(/[^\n:]\n[ \t\r]*\n/)
  return (end < 0 ? trimmed : trimmed.slice(0, end + 1)).trim()
}

function replyParagraph(text: string): string {
  return text.split(/\n[ \t]*\n/).find(hasReply) ?? text
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
