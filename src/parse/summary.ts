import type { MessageSummary } from '../feedback/message-summary.ts'
import { decodeWords } from './encoded-words.ts'
import { unfold } from './header.ts'
import { htmlToText } from './html-text.ts'
import { findHumanText } from './human-text.ts'
import { maxHtmlLength, maxValueLength } from './limits.ts'
import { bodyText, listParts, type Part, readMessage } from './mime.ts'

/** By these people tell where a message comes from and what it is. */
const shownFields: ReadonlySet<string> = new Set([
  'authentication-results',
  'auto-submitted',
  'content-type',
  'date',
  'from',
  'in-reply-to',
  'list-id',
  'message-id',
  'reply-to',
  'return-path',
  'sender',
  'subject',
  'to',
  'x-failed-recipients',
  'x-loop',
])

const maxShownFields = 40
const maxShownParts = 40
const maxShownText = 20_000
/** Enough of a message to judge it by. */
export const summaryBytes = 1024 * 1024

/** Of the first `summaryBytes` of a message. Any will do, and nothing in them is followed. */
export function summarise(raw: Buffer): MessageSummary {
  const message = readMessage(raw.subarray(0, summaryBytes))
  const parts = listParts(message)
  const text = textOf(parts)
  return {
    headers: headersOf(message),
    parts: parts.slice(0, maxShownParts).map(({ mediaType }) => cut(mediaType.name)),
    text: text?.slice(0, maxShownText).toWellFormed() ?? null,
    isCut: text !== null && text.length > maxShownText,
  }
}

function headersOf({ header: { names, values } }: Part): MessageSummary['headers'] {
  const shown = names.flatMap((name, at) =>
    shownFields.has(name) ? [{ name, value: cut(decodeWords(unfold(values[at] ?? ''))) }] : [],
  )
  return shown.slice(0, maxShownFields)
}

function cut(text: string): string {
  return text.slice(0, maxValueLength).toWellFormed()
}

function textOf(parts: readonly Part[]): string | null {
  const human = findHumanText(parts)
  switch (human.kind) {
    case 'text':
      return human.text
    case 'html':
      return htmlToText(bodyText(human.part, maxHtmlLength), maxHtmlLength).trim()
    case 'none':
      return null
  }
}
