/**
 * How a signed return path looks in text (docs/tokens.md): `b` and 40 or 53 characters of base32
 * before an `@`. With a reference first: of the longer one the end may look like the shorter one.
 */
const lengths: readonly number[] = [54, 41]

const maxReturnPaths = 10
/** A text of nothing but `@` is not worth the time. */
const maxTries = 5_000

/**
 * Addresses in `text` that look like signed return paths, each once, at most 10. Forwarders keep
 * the address behind theirs: `SRS0=hash=day=domain=local-part@forwarder` gives both readings.
 */
export function findReturnPaths(text: string): string[] {
  const found = new Set<string>()
  let tries = 0
  for (let at = text.indexOf('@'); at >= 0; at = text.indexOf('@', at + 1)) {
    if (++tries > maxTries || found.size >= maxReturnPaths) break
    const start = tokenStart(text, at)
    if (start < 0) continue
    const localPart = text.slice(start, at)
    const rewritten = rewrittenDomain.exec(text.slice(Math.max(0, start - maxDomain), start))?.[1]
    if (rewritten !== undefined) found.add(`${localPart}@${rewritten}`)
    const domain = domainText.exec(text.slice(at + 1, at + 1 + maxDomain))?.[0]
    if (domain !== undefined) found.add(`${localPart}@${domain}`)
  }
  return [...found].slice(0, maxReturnPaths)
}

const maxDomain = 256
const domainText = /^[a-z0-9](?:[a-z0-9.-]{0,252}[a-z0-9])?/i
const rewrittenDomain = /=([a-z0-9][a-z0-9.-]{1,252})=$/i

/** Where the token begins that ends before `end`; -1 when there is none. */
function tokenStart(text: string, end: number): number {
  for (const length of lengths) {
    const start = end - length
    if (start < 0 || (text.charCodeAt(start) | 32) !== 98) continue
    if (start > 0 && isAlphanumeric(text.charCodeAt(start - 1))) continue
    if (isBase32(text, start + 1, end)) return start
  }
  return -1
}

function isBase32(text: string, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    const code = text.charCodeAt(i)
    const letter = code | 32
    if (!(letter >= 97 && letter <= 122) && !(code >= 50 && code <= 55)) return false
  }
  return true
}

function isAlphanumeric(code: number): boolean {
  const letter = code | 32
  return (letter >= 97 && letter <= 122) || (code >= 48 && code <= 57)
}
