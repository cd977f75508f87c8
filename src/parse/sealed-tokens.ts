import type { OriginalMessage } from '../feedback/report.ts'
import { findReturnPaths } from '../feedback/return-path-text.ts'
import { findSealedTokens } from '../feedback/sealed-token-text.ts'
import { field, type Header } from './header.ts'
import { maxTextBytes } from './limits.ts'
import { bodyBytes, listParts, type Part } from './mime.ts'

/** What a message holds that may say whose it is. */
export type Clues = {
  sealedTokens: string[]
  quotedTokens: string[]
  returnPaths: string[]
  original: OriginalMessage | null
}

/**
 * `raw` is the message as it came, `hidden` what cannot be read as it stands there, and `fields`
 * gives what of both programs write for programs.
 */
export function findTokens(
  raw: string,
  hidden: readonly string[],
  fields: () => readonly string[],
): Omit<Clues, 'original'> {
  const texts = [raw, ...hidden]
  const returnPaths = returnPathsIn(texts)
  if (!texts.some(hasMark)) return { sealedTokens: [], quotedTokens: [], returnPaths }
  const sealedTokens = sealedTokensIn(fields())
  const known = new Set(sealedTokens)
  const quotedTokens = sealedTokensIn(texts).filter((token) => !known.has(token))
  return { sealedTokens, quotedTokens, returnPaths }
}

/**
 * Texts shaped like a sealed token in `texts`, also where a line break or another fold has cut
 * them: a token is then offered at each length that it may have had. Those that stand there whole
 * come first, so that the words behind one copy do not crowd out the next.
 */
export function sealedTokensIn(texts: readonly string[]): string[] {
  const marked = texts.filter(hasMark)
  if (marked.length === 0) return []
  const found = new Set<string>()
  for (const candidates of [wholeTokens, foldedTokens]) {
    for (const text of marked) {
      for (const candidate of candidates(text)) {
        for (const token of findSealedTokens(candidate)) found.add(token)
        if (found.size >= maxTokens) return [...found].slice(0, maxTokens)
      }
    }
  }
  return [...found]
}

/** The fields of a header with tokens that say whose mail it is; some say which mail was before it. */
export function identifyingFields({ names, values }: Header): string[] {
  const found: string[] = []
  values.forEach((value, i) => {
    const name = names[i] ?? ''
    if (ofOtherMail.has(name)) return
    if (hasMark(value)) found.push(value)
    if (isCut(value) && tokenFields.has(name)) found.push(withoutBlanks(value))
  })
  return found
}

const ofOtherMail: ReadonlySet<string> = new Set(['in-reply-to', 'references'])

/** The texts of a message in which tokens cannot be read where they stand, since they are encoded. */
export function encodedTexts(parts: readonly Part[]): string[] {
  return parts
    .filter((part) => hidesTokens(part) && mayHoldText.test(part.mediaType.name))
    .slice(0, maxEncodedParts)
    .map((part) => bodyBytes(part, maxTextBytes))
}

/** As `encodedTexts`, for returned mail, which may have been encoded as a whole, too. */
export function returnedTexts(returned: Part, isEncodedWhole: boolean): string[] {
  const texts = isEncodedWhole ? [returned.bytes] : []
  const isEncodedWithin = encodings.some((name) => returned.bytes.includes(name))
  return isEncodedWithin ? [...texts, ...encodedTexts(listParts(returned))] : texts
}

/** Whether the body of a part cannot be read where it stands. */
export function isEncoded({ header }: Part): boolean {
  const encoding = field(header, 'content-transfer-encoding')
  return encoding !== null && /^(?:base64|quoted)/i.test(encoding)
}

/** As programs spell them; a regular expression would take longer than all else here. */
const encodings = ['base64', 'Base64', 'BASE64', 'quoted-', 'Quoted-', 'QUOTED-']

/** Tokens need no escapes in quoted-printable, so that most of the time there is nothing to decode. */
function hidesTokens(part: Part): boolean {
  if (!isEncoded(part)) return false
  const { bytes, end, header } = part
  if (/^base64/i.test(field(header, 'content-transfer-encoding') ?? '')) return true
  const body = bytes.slice(header.bodyStart, Math.min(end, header.bodyStart + maxTextBytes))
  return escapedMarker.test(body)
}

const escapedMarker = /(?!hb1_)h(?:=\r?\n)?b(?:=\r?\n)?1(?:=\r?\n)?(?:_|=5f)/i

/** Gateways return mail as a file of any type. */
const mayHoldText = /^(?:text\/|application\/octet-stream$)/
const maxEncodedParts = 20

/**
 * The fields that may hold a token and are folded, without any white space: a fold may have cut the
 * mark at the head of a token, too.
 */
export function unfoldedTokenFields({ names, values }: Header): string[] {
  return values
    .filter((value, i) => isCut(value) && tokenFields.has(names[i] ?? ''))
    .map(withoutBlanks)
}

function withoutBlanks(value: string): string {
  return value.replace(/\s+/g, '')
}

/** Some programs make one line of a folded field, and leave the blanks where the folds were. */
function isCut(value: string): boolean {
  return value.includes('\n') || (value.length > minCutLength && value.includes(' '))
}

const minCutLength = 60

const tokenFields: ReadonlySet<string> = new Set([
  'cfbl-feedback-id',
  'in-reply-to',
  'list-unsubscribe',
  'message-id',
  'references',
  'return-path',
  'subject',
  'to',
  'x-envelope-from',
  'x-hearback-ref',
])

function returnPathsIn(texts: readonly string[]): string[] {
  const found = new Set<string>()
  for (const text of texts) for (const address of findReturnPaths(text)) found.add(address)
  return [...found].slice(0, maxReturnPaths)
}

const maxReturnPaths = 10
const marker = 'hb1_'
const maxTokens = 20
const maxTokenLength = 2_100
const maxFolds = 40

function* wholeTokens(text: string): Iterable<string> {
  for (const at of marks(text)) {
    const token = tokenRun(text, at)
    yield token
    // A gateway that rewrites links ends them like this: https://urldefense.com/v3/__<link>__;
    if (token.endsWith('__')) yield token.slice(0, -2)
  }
}

function* foldedTokens(text: string): Iterable<string> {
  for (const at of marks(text)) {
    let token = tokenRun(text, at)
    let end = at + token.length
    for (let folds = 0; folds < maxFolds && token.length < maxTokenLength; folds++) {
      const gap = fold.exec(text.slice(end, end + 30))
      if (gap === null) break
      const run = tokenRun(text, end + gap[0].length)
      if (run.startsWith(marker)) break
      token += run
      end += gap[0].length + run.length
      yield token
    }
  }
}

function* marks(text: string): Iterable<number> {
  let tries = 0
  for (let at = nextMark(text, 0); at >= 0; at = nextMark(text, at + marker.length)) {
    if (++tries > maxTokens) return
    yield at
  }
}

function hasMark(text: string): boolean {
  return nextMark(text, 0) >= 0
}

/** Underscores are rare: that is four times as fast as to look for the whole marker. */
function nextMark(text: string, from: number): number {
  for (let at = text.indexOf('_', from); at >= 0; at = text.indexOf('_', at + 1)) {
    if (text.startsWith(marker, at - 3)) return at - 3
  }
  return -1
}

/** Quoted-printable's soft line break, a folded line, a quote mark at the head of a line. */
const fold = /^=?[ \t]{0,9}\r?\n[ \t]{0,9}(?:>[ \t]?){0,3}(?=[A-Za-z0-9_-])/

const tokenCharacters = /^[A-Za-z0-9_-]*/

function tokenRun(text: string, start: number): string {
  return tokenCharacters.exec(text.slice(start, start + maxTokenLength))?.[0] ?? ''
}
