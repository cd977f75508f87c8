import { addressesOf } from './address-list.ts'
import { field, type Header, textField } from './header.ts'

/**
 * Whether this is mail to the address of a List-Unsubscribe field (RFC 2369 section 3.2): its
 * recipient, its subject or a sealed token in the subject says so. Mail clients send it without
 * asking and may call it automatic; automatic replies to such mail quote the subject after `Re:`.
 */
export function isUnsubscribeRequest(header: Header, subjectTokens: readonly string[]): boolean {
  const subject = textField(header, 'subject').trim()
  if (looksAutomatic(header) && !plainSubject.test(subject)) return false
  if (plainSubject.test(subject) || subjectTokens.length > 0) return true
  const localParts = [
    field(header, 'to'),
    field(header, 'x-original-to'),
    field(header, 'delivered-to'),
  ]
    .flatMap((value) => addressesOf(value))
    .map((address) => address.slice(0, address.lastIndexOf('@')))
  return localParts.some((localPart) => unsubscribeLocalPart.test(localPart))
}

/** Who wrote it, for the record: it proves nothing. */
export function requesterOf(header: Header): string | null {
  return addressesOf(field(header, 'from'))[0] ?? null
}

const plainSubject =
  /^["'<\s]{0,3}(?:(?:please\s)?(?:un-?subscribe(?:\s?me)?|remove(?:\s?me)?|opt-?out|leave|d[ée]sinscription|d[ée]sabonnement|se d[ée]sabonner|abmelden|abmeldung|abbestellen|austragen|darse de baja|cancelar suscripci[óo]n|desuscribir(?:se)?|baja|descadastrar|cancelar inscri[çc][ãa]o|disiscriviti|cancellami|afmelden|uitschrijven|avregistrera|avsluta|frameld|wypisz|отписаться|配信停止|退订))["'>\s.!]{0,3}(?:$|\b(?:hb1_|list|from|id)|[[(#:])/i

const unsubscribeLocalPart =
  /^(?:(?:list-?)?unsub(?:scribe)?|opt-?out|leave|remove)(?:[+=._-]|$)|[+._-]unsub(?:scribe)?$/i

function looksAutomatic(header: Header): boolean {
  const submitted = field(header, 'auto-submitted')
  if (submitted !== null && !/^no\b/i.test(submitted)) return true
  return names.some((name) => header.names.includes(name))
}

const names = ['x-autoreply', 'x-autorespond', 'x-auto-response-suppress', 'x-failed-recipients']
