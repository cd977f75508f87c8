import { type Header, readHeader } from '../header.ts'

/** A text bounce, divided at the point from where on it quotes the mail that bounced. */
export type DividedText = { head: string; quoted: Header | null }

/** Finds the quotation by the line that announces it, or by the header that it begins with. */
export function divideAtQuotation(whole: string): DividedText {
  const end = footerStart(whole)
  const text = whole.slice(0, end)
  const announced = announcement.exec(text)
  const announcedAt = announced?.index ?? text.length
  const headerAt = findHeaderRun(text, announcedAt)
  const cut = Math.min(announcedAt, headerAt)
  if (cut >= text.length) return { head: text, quoted: null }
  const start = headerAt < announcedAt ? cut : cut + (announced?.[0].length ?? 0)
  return { head: text.slice(0, cut), quoted: quotedHeader(text.slice(start)) }
}

/** Whether returned mail begins above `position`: what stands there is not the report's. */
export function isQuotedAt(text: string, position: number): boolean {
  const above = text.slice(0, position)
  return (
    announcement.test(above) ||
    /^>?[ \t]{0,3}(?:Received|Return-Path|Message-ID)[ \t]?:/im.test(above)
  )
}

/** Where a mailing list or a signature has put its own text below an address. */
function footerStart(text: string): number {
  const firstAddress = Math.max(0, text.indexOf('@'))
  const found = footer.exec(text.slice(firstAddress))
  return found === null ? text.length : firstAddress + found.index
}

const footer = /^(?:_{20,200}|-- ?)$/m

/**
 * Lines such as `--- Below this line is a copy of the message.` One pattern, anchored at line
 * starts, so that a text of any length is walked once.
 */
const announcement = new RegExp(
  `^[ \\t]{0,8}[-=_*|>#.]{0,60}[ \\t]{0,4}(?:${[
    'below (?:this line )?is (?:a copy|the original)',
    '(?:enclosed|attached|included) (?:is|are) (?:a copy|the (?:original|returned)|an? )',
    'this is a copy of (?:the|your) message',
    '(?:here|following) is (?:a|the) (?:copy|first|header)',
    'the (?:first \\d{1,5} lines of your|headers? of the|body of the) (?:original )?(?:message|mail)',
    '(?:possibly truncated )?(?:original|returned|unsent|undelivered) (?:message|mail)(?: (?:headers?|info|text|as received))?(?: (?:is |as )?follows?)?[ \\t]{0,4}(?:[-=:.|*]|$)',
    '(?:original|returned) (?:message|mail) (?:is )?(?:as )?(?:attached|follow)',
    '(?:message|mail) headers?(?: (?:is |are )?follows?)?[ \\t]{0,4}(?:[-=:.|*]|$)',
    'header of the (?:source|original)',
    'start of returned message',
    'your (?:original )?message (?:reads|follows|was:)',
    'the text of your message',
    'copy of (?:the|your) (?:original )?(?:message|mail)',
    'bounced e-?mail:',
    'begin(?:ning of)? (?:original|returned)',
    'mensa(?:je|gem) original',
    'message d.origine',
    "l'original du message",
    'urspr[üu]ngliche (?:nachricht|mail)',
    'original-?nachricht',
    'oorspronkelijk bericht',
    'oryginaln[aey] wiadomo',
    'исходное сообщение|оригинал сообщения|заголовки? (?:исходного )?(?:письма|сообщения)',
    '(?:元|原)(?:の)?(?:メール|文|メッセージ)|以下.{0,10}(?:元の|送信)メール',
    '原始邮件|原郵件|以下是原',
  ].join('|')})[^\\n]{0,200}$`,
  'im',
)

const headerLine = /^(?:>[ \t]?)?([A-Za-z][A-Za-z0-9-]{1,40}):/
const surelyReturned =
  /^(?:received|return-path|message-id|mime-version|dkim-signature|domainkey-signature|delivered-to|x-[a-z-]+|content-type|content-transfer-encoding|arc-[a-z-]+|authentication-results|list-[a-z-]+|in-reply-to|references)$/i
const ordinary = /^(?:from|to|cc|bcc|subject|date|sender|reply-to)$/i

/** Where unindented header fields stand one below the other: two that only mail has, or a From. */
function findHeaderRun(text: string, end: number): number {
  let runStart = -1
  let sure = 0
  let total = 0
  let hasFrom = false
  for (let start = 0; start < end; ) {
    const newline = text.indexOf('\n', start)
    const lineEnd = newline < 0 ? end : newline
    const name = headerLine.exec(text.slice(start, Math.min(lineEnd, start + 60)))?.[1]
    const isSure = name !== undefined && surelyReturned.test(name)
    if (name !== undefined && (isSure || ordinary.test(name))) {
      if (runStart < 0) runStart = start
      sure += isSure ? 1 : 0
      total++
      hasFrom ||= /^from$/i.test(name)
      if (/^received$/i.test(name) || sure >= 2 || (hasFrom && total >= 3)) return runStart
    } else if (!/^[ \t]+\S/.test(text.slice(start, Math.min(lineEnd, start + 80)))) {
      runStart = -1
      sure = 0
      total = 0
      hasFrom = false
    }
    start = lineEnd + 1
  }
  return text.length
}

function quotedHeader(text: string): Header | null {
  const start = /^[\s\-=_*|#]*/.exec(text.slice(0, 2_000))?.[0].length ?? 0
  const body = unquote(text.slice(start))
  const header = readHeader(body, 0, body.length)
  return header.names.length === 0 ? null : header
}

function unquote(text: string): string {
  if (!/^(?:>|[ \t])/.test(text)) return text
  return text.replace(/^(?:>[ \t]?|[ \t]{1,4})/gm, '')
}
