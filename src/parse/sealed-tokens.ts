import { findSealedTokens } from '../feedback/sealed-token-text.ts'
import type { Header } from './header.ts'

/**
 * Texts shaped like a sealed token in `texts`, in the order found, also where a line break or
 * another fold has cut them: a token is then offered at each length that it may have had.
 */
export function sealedTokensIn(texts: readonly string[]): string[] {
  const found = new Set<string>()
  for (const text of texts) {
    if (found.size >= maxTokens) break
    for (const candidate of candidates(text)) {
      for (const token of findSealedTokens(candidate)) found.add(token)
    }
  }
  return [...found].slice(0, maxTokens)
}

/** The fields that may hold a token and are folded, without any white space: a fold may cut `hb1_`. */
export function unfoldedTokenFields(header: Header): string[] {
  const values: string[] = []
  header.names.forEach((name, i) => {
    const value = header.values[i] ?? ''
    if (value.includes('\n') && tokenFields.has(name)) values.push(value.replace(/\s+/g, ''))
  })
  return values
}

const tokenFields: ReadonlySet<string> = new Set([
  'cfbl-feedback-id',
  'in-reply-to',
  'list-unsubscribe',
  'message-id',
  'references',
  'subject',
  'to',
  'x-hearback-ref',
])

const marker = 'hb1_'
const maxTokens = 20
const maxTokenLength = 2_100
const maxFolds = 40

/** Quoted-printable's soft line break, a folded line, a quote mark at the head of a line. */
const fold = /^(?:=[ \t]?\r?\n|\s{1,20}(?:>[ \t]?){0,3})(?=[A-Za-z0-9_-])/

function* candidates(text: string): Iterable<string> {
  let tries = 0
  for (let at = text.indexOf(marker); at >= 0; at = text.indexOf(marker, at + marker.length)) {
    if (++tries > maxTokens) return
    let token = tokenRun(text, at)
    let end = at + token.length
    yield token
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

const tokenCharacters = /^[A-Za-z0-9_-]*/

function tokenRun(text: string, start: number): string {
  return tokenCharacters.exec(text.slice(start, start + maxTokenLength))?.[0] ?? ''
}
