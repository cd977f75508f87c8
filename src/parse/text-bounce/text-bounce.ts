import type { OriginalMessage, RecipientStatus } from '../../feedback/report.ts'
import { addressesOf } from '../address-list.ts'
import { cleanOrNull } from '../clean-text.ts'
import { decodeWords } from '../encoded-words.ts'
import { field, fields, type Header, textField } from '../header.ts'
import { maxRecipients, maxValueLength } from '../limits.ts'
import { originalMessage } from '../original-message.ts'
import { looksLikeAddress } from '../recipient-address.ts'
import type { BounceSigns } from './bounce-signs.ts'
import { familyOf, isBounceText, isFamilyText } from './families.ts'
import { divideAtQuotation } from './quoted-original.ts'
import { readTextRecipients } from './read-recipients.ts'
import { recipientLines } from './recipient-lines.ts'
import { hasReply } from './remote-words.ts'
import { textAction } from './text-action.ts'

export type TextBounce = {
  format: string
  reportingMta: string | null
  recipients: RecipientStatus[]
  /** Of the mail that the text quotes without a part of its own. */
  quoted: OriginalMessage | null
}

/**
 * Reads a bounce that is written for people alone; `null` when the message is none. `returnedTo`
 * are the addressees of returned mail: the last resort for a text that names nobody.
 */
export function readTextBounce(
  header: Header,
  signs: BounceSigns,
  text: string,
  returnedTo: readonly string[],
): TextBounce | null {
  if (!isBounce(signs, header, text)) return null
  const { head, quoted } = divideAtQuotation(text)
  const original = quoted === null ? null : originalMessage(quoted)
  const action = textAction(textField(header, 'subject'), head)
  const failedRecipients = failedRecipientsOf(header)
  const others = new Set(
    ['to', 'from', 'reply-to', 'sender', 'delivered-to']
      .flatMap((name) => addressesOf(field(header, name)))
      .map((address) => address.toLowerCase()),
  )
  let recipients = readTextRecipients({ head, failedRecipients, others, action })
  if (recipients.length === 0) {
    const to = returnedTo.length > 0 ? returnedTo : (original?.to ?? [])
    const [only, second] = to.filter(looksLikeAddress)
    if (only !== undefined && second === undefined) {
      recipients = readTextRecipients({ head, failedRecipients: [only], others, action })
    }
  }
  const letterhead = `${field(header, 'x-mailer') ?? ''}\n${field(header, 'from') ?? ''}`
  const reportingMta = cleanOrNull(reporter.exec(head)?.[1] ?? null, maxValueLength)
  return { format: familyOf(letterhead, head), reportingMta, recipients, quoted: original }
}

/** How text bounces introduce themselves: `This is the mail system at host mx.example.com.` */
const reporter =
  /(?:(?:mail system|program|agent(?: v[\w.]{1,20})?|mta) at(?: host)?|generating server:|on the queue on)\s{1,4}([a-z0-9](?:[a-z0-9-]{0,62}\.){1,10}[a-z0-9-]{1,62})/i

/** Exim and Google name them in the header, which may be encoded. */
export function failedRecipientsOf(header: Header): string[] {
  return fields(header, 'x-failed-recipients').flatMap((value) => {
    return addressesOf(value.includes('=?') ? decodeWords(value) : value, maxRecipients)
  })
}

/**
 * Words alone make no bounce, since people quote bounces and answer with their automata; nor does a
 * subject, since parcels have delivery problems, too. The fewer signs, the more the text must say.
 */
function isBounce(signs: BounceSigns, header: Header, text: string): boolean {
  if (signs.certain) return true
  const count = [signs.sender, signs.subject, signs.nullPath].filter(Boolean).length
  if (count === 3) return true
  if (signs.sender) return isBounceText(text) || namesSomebody(text, signs.subject ? 1 : 2)
  if (count === 2) return isBounceText(text)
  const opening = text.slice(0, maxOpening)
  const isTechnical = isFamilyText(opening) || hasReply(opening)
  if (signs.nullPath && isAutoReplied(header)) return false
  if (signs.nullPath) return isTechnical || (isBounceText(opening) && namesSomebody(opening, 1))
  if (personalFields.some((name) => header.names.includes(name))) return false
  return signs.subject && isBounceText(opening) && (isTechnical || ownMail.test(opening))
}

/** In languages whose words we do not know: the reply of a server, an address on its own line. */
function namesSomebody(text: string, wanted: number): boolean {
  const opening = text.slice(0, maxOpening)
  const traces = [hasReply(opening), recipientLines(opening).length > 0]
  return traces.filter(Boolean).length >= wanted
}

const maxOpening = 1_000

/** Mail of people and lists. Some mail systems call themselves a mailer, but these are known. */
const personalFields = [
  'in-reply-to',
  'references',
  'user-agent',
  'x-mailer',
  'thread-index',
  'list-id',
]

const ownMail =
  /(?:your|the|a) (?:e-?mail )?message\b|(?:e-?)?mail (?:that )?you (?:have )?sent|your e-?mail (?:to|could|was)|votre message|ihre? (?:nachricht|e-?mail)|(?:su|tu) mensaje|sua mensagem|(?:suo|tuo) messaggio|uw bericht|wiadomo|сообщение|письмо|メール|邮件/i

function isAutoReplied(header: Header): boolean {
  return /^\s*auto-replied/i.test(field(header, 'auto-submitted') ?? '')
}
