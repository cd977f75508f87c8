import type { RecipientStatus } from '../../feedback/report.ts'
import { diagnose } from '../diagnosis.ts'
import { divideAtQuotation } from './quoted-original.ts'
import { type Candidate, recipientLines } from './recipient-lines.ts'
import { remoteWords } from './remote-words.ts'
import { sentenceRecipients } from './sentences.ts'
import { transcriptReplies } from './transcript.ts'
import { ownWords } from './words-about.ts'

/**
 * Completes the recipients of a delivery-status part that gives no diagnosis with the words that
 * the text beside it has for them. Who the recipients are is not the text's to say.
 */
export function explainRecipients(
  recipients: readonly RecipientStatus[],
  text: string,
): RecipientStatus[] {
  const { head } = divideAtQuotation(text)
  const words = transcriptReplies(head)
  noteWords(words, head, recipientLines(head))
  if (words.size === 0) noteWords(words, head, sentenceRecipients(head))
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

function noteWords(words: Map<string, string>, head: string, named: readonly Candidate[]): void {
  named.forEach((candidate, index) => {
    const about = ownWords(head, candidate, named[index + 1]?.start ?? head.length)
    if (about === null) return
    words.set(candidate.address.toLowerCase(), about)
    if (candidate.original !== null) words.set(candidate.original.toLowerCase(), about)
  })
}
