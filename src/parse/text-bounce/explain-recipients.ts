import type { RecipientStatus } from '../../feedback/report.ts'
import { answeredCommand, type SmtpCommand } from '../../feedback/smtp-command.ts'
import { diagnose } from '../diagnosis.ts'
import { divideAtQuotation } from './quoted-original.ts'
import { type Candidate, recipientLines } from './recipient-lines.ts'
import { remoteWords } from './remote-words.ts'
import { sentenceRecipients } from './sentences.ts'
import {
  type Answer,
  generalAnswer,
  mayBeTranscript,
  readTranscript,
  type Transcript,
} from './transcript.ts'
import { ownWords } from './words-about.ts'

/**
 * Completes the recipients of a delivery-status part with what the text beside it says of them:
 * the command that was answered, and the diagnosis of those that have none. Who the recipients are
 * is not the text's to say.
 */
export function explainRecipients(
  recipients: readonly RecipientStatus[],
  text: string,
): readonly RecipientStatus[] {
  const { head } = divideAtQuotation(text)
  const transcript = readTranscript(head)
  const about = new Map<string, Answer>()
  noteWords(about, head, recipientLines(head))
  if (about.size + transcript.replies.size === 0) noteWords(about, head, sentenceRecipients(head))
  return recipients.map((recipient) => {
    const words = find(about, recipient) ?? find(transcript.replies, recipient)
    const smtpCommand =
      recipient.smtpCommand ?? words?.command ?? answerTo(recipient, transcript)?.command ?? null
    if (recipient.diagnosticCode !== null || words === null) return { ...recipient, smtpCommand }
    const remote = remoteWords(words.words)
    const { status, replyCode, diagnosticCode } = diagnose(remote.text, recipient.status)
    const remoteMta = recipient.remoteMta ?? remote.remoteMta
    return { ...recipient, status, replyCode, diagnosticCode, remoteMta, smtpCommand }
  })
}

/**
 * The command that was answered about the only recipient of a report: what the text says need not
 * be told from words about others. `text` may be in any charset, read as Latin-1.
 */
export function commandInText(recipient: RecipientStatus, text: string): SmtpCommand | null {
  const start = Math.max(0, text.indexOf(recipient.finalRecipient))
  const command = answeredCommand(text.slice(start))
  if (command !== null || !mayBeTranscript(text)) return command
  return answerTo(recipient, readTranscript(text))?.command ?? null
}

function noteWords(about: Map<string, Answer>, head: string, named: readonly Candidate[]): void {
  named.forEach((candidate, index) => {
    const words = ownWords(head, candidate, named[index + 1]?.start ?? head.length)
    if (words === null) return
    const answer = { words, command: answeredCommand(words) }
    about.set(candidate.address.toLowerCase(), answer)
    if (candidate.original !== null) about.set(candidate.original.toLowerCase(), answer)
  })
}

function find(answers: ReadonlyMap<string, Answer>, recipient: RecipientStatus): Answer | null {
  const { finalRecipient, originalRecipient, actualRecipient } = recipient
  for (const address of [finalRecipient, originalRecipient, actualRecipient]) {
    const answer = address === null ? undefined : answers.get(address.toLowerCase())
    if (answer !== undefined) return answer
  }
  return null
}

function answerTo(recipient: RecipientStatus, transcript: Transcript): Answer | null {
  return find(transcript.replies, recipient) ?? generalAnswer(transcript, recipient.replyCode)
}
