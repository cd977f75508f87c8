import type { OriginalMessage, RecipientStatus } from '../../feedback/report.ts'
import { addressesOf } from '../address-list.ts'
import { decodeWords } from '../encoded-words.ts'
import { field, fields, type Header, textField } from '../header.ts'
import { maxRecipients } from '../limits.ts'
import { originalMessage } from '../original-message.ts'
import { looksLikeAddress } from '../recipient-address.ts'
import { type BounceSigns, bounceSigns } from './bounce-signs.ts'
import { saysDelayed } from './delay.ts'
import { familyOf, isBounceText } from './families.ts'
import { divideAtQuotation } from './quoted-original.ts'
import { readTextRecipients } from './read-recipients.ts'

export type TextBounce = {
  format: string
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
  reportType: string | null,
  text: string,
  returnedTo: readonly string[],
): TextBounce | null {
  const signs = bounceSigns(header, reportType)
  if (!isBounce(signs, text)) return null
  const { head, quoted } = divideAtQuotation(text)
  const original = quoted === null ? null : originalMessage(quoted)
  const action = saysDelayed(textField(header, 'subject'), head) ? 'delayed' : 'failed'
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
  return { format: familyOf(letterhead, head), recipients, quoted: original }
}

/** Exim and Google name them in the header, which may be encoded. */
export function failedRecipientsOf(header: Header): string[] {
  return fields(header, 'x-failed-recipients').flatMap((value) => {
    return addressesOf(value.includes('=?') ? decodeWords(value) : value, maxRecipients)
  })
}

/** Words alone make no bounce, since people quote bounces; nor does an address that anybody has. */
function isBounce(signs: BounceSigns, text: string): boolean {
  if (signs.certain) return true
  const count = [signs.sender, signs.subject, signs.nullPath].filter(Boolean).length
  return count >= 2 ? count === 3 || isBounceText(text) : count === 1 && isBounceText(text)
}
