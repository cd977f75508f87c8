import { addressesOf } from './address-list.ts'
import { isChallenge, isVacation } from './automatic-response.ts'
import { field, type Header, textField } from './header.ts'
import type { Part } from './mime.ts'
import type { BounceSigns } from './text-bounce/bounce-signs.ts'

/**
 * Whether this is mail to the address of a List-Unsubscribe field (RFC 2369 section 3.2): its
 * recipient, its subject or a sealed token in the subject says so. Mail clients send it without
 * asking, and may call it automatic. What answers such mail by itself, and reports, never are it.
 */
export function isUnsubscribeRequest(
  message: Part,
  signs: BounceSigns,
  subjectTokens: readonly string[],
): boolean {
  const { header, mediaType } = message
  if (signs.nullPath || signs.certain || mediaType.name === 'multipart/report') return false
  if (isVacation(header) || isChallenge(header)) return false
  if (plainSubject.test(textField(header, 'subject').trim())) return true
  if (signs.sender || looksAutomatic(header)) return false
  if (subjectTokens.length > 0) return true
  return ['to', 'x-original-to', 'delivered-to']
    .flatMap((name) => addressesOf(field(header, name)))
    .some((address) => unsubscribeLocalPart.test(address.slice(0, address.lastIndexOf('@'))))
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
