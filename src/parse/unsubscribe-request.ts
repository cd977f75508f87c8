import { addressesOf } from './address-list.ts'
import { isChallenge, isVacation, replyFields } from './automatic-response.ts'
import { field, fields, type Header } from './header.ts'
import type { Part } from './mime.ts'
import { sealedTokensIn } from './sealed-tokens.ts'
import type { BounceSigns } from './text-bounce/bounce-signs.ts'

/** People have names like postmaster, too: then a token counts unless a bounce can be read. */
export type UnsubscribeSign = 'request' | 'request-unless-bounce' | 'none'

/**
 * Whether this is mail to the address of a List-Unsubscribe field (RFC 2369 section 3.2): its
 * recipient, its subject or a sealed token in either says so. What answers such mail by itself,
 * reports and other mail without a person behind it (RFC 3834 section 5) never are it.
 */
export function unsubscribeSign(
  { header, mediaType }: Part,
  signs: BounceSigns,
  subject: string,
  tokens: readonly string[],
): UnsubscribeSign {
  if (signs.nullPath || signs.certain || mediaType.name === 'multipart/report') return 'none'
  if (isVacation(header) || isChallenge(header) || isAutomatic(header)) return 'none'
  if (plainSubject.test(subject.trim())) return 'request'
  if (signs.sender) return tokens.length > 0 && !signs.subject ? 'request-unless-bounce' : 'none'
  return tokens.length > 0 || isToUnsubscribeAddress(header) ? 'request' : 'none'
}

/**
 * Texts shaped like a sealed token where a List-Unsubscribe field puts them, in the subject and in
 * the local part of the recipient: in the body stand those of mail that was answered or forwarded.
 */
export function requestTokens(header: Header, subject: string): string[] {
  // As they are; and without blanks, for a token may have been cut by folding, and by encoded words
  // in which `_` is a blank.
  const subjects = [subject, ...fields(header, 'subject')]
  const whole = subjects.map((text) => text.replace(/\s+/g, ''))
  const recipients = recipientFields.flatMap((name) => fields(header, name))
  return sealedTokensIn([...subjects, ...whole, ...recipients])
}

/** Who wrote it, for the record: it proves nothing. */
export function requesterOf(header: Header): string | null {
  return addressesOf(field(header, 'from'))[0] ?? null
}

function isToUnsubscribeAddress(header: Header): boolean {
  return recipientFields
    .flatMap((name) => addressesOf(field(header, name)))
    .some((address) => unsubscribeLocalPart.test(address.slice(0, address.lastIndexOf('@'))))
}

const recipientFields = ['to', 'x-original-to', 'delivered-to']

const plainSubject =
  /^["'<\s]{0,3}(?:(?:please\s)?(?:un-?subscribe(?:\s?me)?|remove(?:\s?me)?|opt-?out|leave|d[ée]sinscription|d[ée]sabonnement|se d[ée]sabonner|abmelden|abmeldung|abbestellen|austragen|darse de baja|cancelar suscripci[óo]n|desuscribir(?:se)?|baja|descadastrar|cancelar inscri[çc][ãa]o|disiscriviti|cancellami|afmelden|uitschrijven|avregistrera|avsluta|frameld|wypisz|отписаться|配信停止|退订))["'>\s.!]{0,3}(?:$|\b(?:hb1_|list|from|id)|[[(#:])/i

const unsubscribeLocalPart =
  /^(?:(?:list-?)?unsub(?:scribe)?|opt-?out|leave|remove)(?:[+=._-]|$)|[+._-]unsub(?:scribe)?$/i

/**
 * RFC 3834 section 5, and the marks that are older. Apple's mail programs call their requests
 * automatic replies, but a person pressed the button.
 */
function isAutomatic(header: Header): boolean {
  if (/^true$/i.test(field(header, 'x-apple-unsubscribe') ?? '')) return false
  const submitted = field(header, 'auto-submitted')
  if (submitted !== null && !/^no\b/i.test(submitted)) return true
  if (/\b(?:auto[_-]?reply|bulk|junk|list)\b/i.test(field(header, 'precedence') ?? '')) return true
  return replyFields.some((name) => header.names.includes(name))
}
