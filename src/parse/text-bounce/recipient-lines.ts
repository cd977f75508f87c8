import { addressPattern, listedAddresses } from './address-pattern.ts'

/** An address that a text bounce presents as one that failed. */
export type Candidate = {
  address: string
  /** The address that was written to, when the mail was forwarded from there. */
  original: string | null
  /** Where its line begins and ends, and where on it the words about it begin. */
  start: number
  end: number
  wordsStart: number
}

const address = addressPattern

/** `<user@example.com>: words`, `<user@example.com> (expanded from <alias@…>)`, or alone. */
const bracketed = new RegExp(
  `^[ \\t>*|-]{0,12}<(${address})>[ \\t]{0,4}(?:\\.{3}|[:;,.(\\[]|-|$|(?=[A-Z0-9]))`,
)

/** The address alone on its line, or before a colon, a comment, ` on <date>`, ` - words`. */
const bare = new RegExp(
  `^[ \\t>|]{0,16}(?:[*•·-]{1,2}[ \\t]{1,8})?["']?(${address})["']?[ \\t]{0,4}(?:<(?:mailto:)?[^>]{1,200}>)?[ \\t]{0,8}(?:\\.{3}|[:(\\[;,]|-{1,2}[ \\t]|(?:on|am|le|el|il|em|op|den) (?=\\d|(?:mon|tue|wed|thu|fri|sat|sun))|(?=invalid address|user unknown|unknown user|no such user|does not exist|mailbox )|$)`,
  'i',
)

const labels = [
  '(?:final|original|failed|intended|undeliverable|target mail|envelope|invalid|rejected|unknown|bad)[ -]?(?:recipient|address|addressee|user|mail ?box)',
  'recipients?(?: address)?(?:\\(s\\))?',
  'rcpt to',
  'x-failed-recipients?',
  '(?:e-?)?mail address',
  'address(?:ee)?(?:\\(es\\))?',
  'destinataires?',
  'destinatari[oi]s?',
  'empf[äa]nger(?:adresse)?',
  'ontvanger',
  'adresat',
  'odbiorca',
  'получатель',
  '(?:宛先|送信先)(?:メールアドレス|アドレス)?',
  '收件人(?:地址)?',
  '(?:delivery|message|(?:could not|cannot) be delivered) to',
  'unknown user',
  'no such user',
  "user's mailbox is full",
  'mailbox (?:is )?full',
  'invalid final delivery userid',
  'delivery failed \\d{1,4} attempts?',
].join('|')

/** `Recipient: <user@example.com>` and other labels, `[SMTP:user@example.com]` as the value. */
const labelled = new RegExp(
  `^[ \\t>*|-]{0,16}(?:${labels})[ \\t]{0,8}[:=：][ \\t]{0,8}(?:\\[?(?:SMTP|rfc822)[:;][ \\t]?)?[<["'“]{0,2}(${address})`,
  'i',
)

/** Below another address, it is the one that was written to. */
const originalLabel = new RegExp(
  `^[ \\t]{0,16}original[ -](?:recipient|address|addressee)[ \\t]{0,8}:[ \\t]{0,8}[<"']{0,2}(${address})`,
  'i',
)

/** Old Exchange hides it in an X.400 address. */
const x400 = new RegExp(`dda:SMTP=(${address})`, 'i')

const forwarded = new RegExp(
  `\\((?:ultimately )?(?:expanded|generated|forwarded|originally addressed)(?: from| to)?:? {0,2}<?(${address})>?\\)?`,
  'i',
)

const undisclosed = /^[ \t]{2,8}an undisclosed address\b/i

/** The lines of `text` that name a recipient at their head, in order. Linear. */
export function recipientLines(text: string): Candidate[] {
  const found: Candidate[] = []
  // What stands below a recipient and further in belongs to it, addresses included.
  let owner = -1
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf('\n', start)
    const end = newline < 0 ? text.length : newline
    const indent = indentation(text, start, end)
    if (indent < 0) owner = -1
    const line = text.slice(start, Math.min(end, start + maxLine))
    const last = found.at(-1)
    const original = owner >= 0 ? originalLabel.exec(line)?.[1] : undefined
    const isDetail = owner >= 0 && (indent > owner || original !== undefined)
    if (last !== undefined && original !== undefined) last.original ??= original
    const candidate = isDetail ? null : readLine(text, start, Math.min(end, start + maxLine))
    if (candidate !== null) {
      owner = indent
      found.push({ ...candidate, end })
      // From the separator on, which the pattern of the line may have taken.
      const more = text.slice(Math.max(start, candidate.wordsStart - 1), end)
      for (const other of candidate.address === '' ? [] : listedAddresses(more.trimStart())) {
        found.push({ ...candidate, address: other, end })
      }
      if (found.length >= maxCandidates) break
    } else {
      noteForwarding(last, line)
    }
    start = end + 1
  }
  return found.filter((candidate) => candidate.address !== '')
}

/** Blanks before the first word of a line; -1 for an empty one. */
function indentation(text: string, start: number, end: number): number {
  for (let i = start; i < end; i++) {
    const code = text.charCodeAt(i)
    if (code !== 32 && code !== 9) return i - start
  }
  return -1
}

const maxLine = 1_000
const maxCandidates = 10_000

function readLine(text: string, start: number, end: number): Candidate | null {
  const line = text.slice(start, end)
  if (undisclosed.test(line)) {
    return { address: '', original: null, start, end, wordsStart: end }
  }
  if (!line.includes('@')) return null
  const match =
    bracketed.exec(line) ?? bare.exec(line) ?? labelled.exec(line) ?? x400.exec(line) ?? null
  const found = match?.[1]
  if (match === null || found === undefined) return null
  const rest = line.slice(match.index + match[0].length)
  return {
    address: found,
    original: forwarded.exec(line)?.[1] ?? null,
    start,
    end,
    wordsStart: start + line.length - rest.length,
  }
}

/** Exim writes `(generated from …)` on the line below, where the address itself may be hidden. */
function noteForwarding(last: Candidate | undefined, line: string): void {
  if (last === undefined || !/^\s{1,12}\(/.test(line)) return
  const from = forwarded.exec(line)?.[1]
  if (from === undefined) return
  if (last.address === '') last.address = from
  else last.original ??= from
}
