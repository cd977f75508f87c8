import { addressPattern, listedAddresses } from './address-pattern.ts'
import type { Candidate } from './recipient-lines.ts'

/** Sentences that name the recipient within. Each begins with a literal, so that it runs linear. */
const sentences = new RegExp(
  `(?:${[
    '(?:deliver(?:ed|ing|y)?|undeliverable|undelivered|sent|send(?:ing)?|reach(?:ed|ing)?|addressed|destined|message|mail|e-mail|response|returned|problems?)\\s(?:[a-z0-9-]{1,16},?\\s){0,8}?(?:to|for|of)(?:\\s(?:the|this|your|following|local|e-?mail|user|recipient|address|email address|mailbox)){0,4}\\s?:?',
    '(?:recipient|user|address|account|mailbox|rcpt)(?:\\s(?:name|address|at|is|the))?\\s?:?',
    'rejected (?:recipient|address)',
    '(?:unknown|invalid|no such|bad) (?:user|recipient|address|mailbox)\\s?:?',
    'mailbox is full:',
    'your message was addressed,',
    'attempts?:',
    '(?:d[ée]livr|remis|distribu|achemin)[a-zé]{0,4}\\s(?:à|a|au destinataire)\\s?:?',
    '(?:entreg|enviar|envi)[a-zíóã]{1,8}\\s(?:a|al|para|à)(?:\\s[a-zóí]{2,14}){0,4}\\s?:?',
    '(?:an|für)(?:\\s(?:die|den|folgende|empfänger|adresse|e-mail-adresse)){0,4}\\s?:?',
  ].join('|')})\\s{0,8}[<("'“«\\[]{0,2}(?:SMTP:|mailto:)?(?<![\\w.+@-])(${addressPattern})`,
  'gi',
)

/** Addresses within sentences such as “your message to user@example.com could not be delivered”. */
export function sentenceRecipients(text: string): Candidate[] {
  const found: Candidate[] = []
  for (const match of text.matchAll(sentences)) {
    const end = match.index + match[0].length
    const newline = text.indexOf('\n', end)
    const start = text.lastIndexOf('\n', match.index) + 1
    for (const address of [match[1] ?? '', ...listedAddresses(text.slice(end, end + maxList))]) {
      const lineEnd = newline < 0 ? text.length : newline
      found.push({ address, original: null, start, end: lineEnd, wordsStart: start })
    }
    if (found.length >= maxFound) break
  }
  return found
}

const maxFound = 200
const maxList = 4_096
