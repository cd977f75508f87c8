/** RFC 3463 section 2: an enhanced status code, `class.subject.detail`, such as `5.1.1`. */
export type EnhancedStatusCode = `${2 | 4 | 5}.${number}.${number}`

/** RFC 5321 section 4.2: an SMTP reply, as a Diagnostic-Code field or a log line quotes it. */
export type SmtpReply = {
  replyCode: number | null
  status: EnhancedStatusCode | null
  text: string
}

const enhancedStatusCode = /^([245])\.(\d{1,3})\.(\d{1,3})$/

/** The code without leading zeros, or `null` when `text` is not exactly one code (RFC 3463). */
export function parseEnhancedStatusCode(text: string): EnhancedStatusCode | null {
  const found = enhancedStatusCode.exec(text)
  if (!found) return null
  return `${found[1]}.${Number(found[2])}.${Number(found[3])}` as EnhancedStatusCode
}

const smtpReply = /^(?:([245]\d\d)(?![.\d])[ -]?)?\s*(?:#?([245]\.\d{1,3}\.\d{1,3})(?![.\d]))?/

/**
 * The codes at the head of an SMTP reply: `550 5.1.1 text`, `550-5.1.1 text` or `5.1.1 text`.
 * `text` is the whole reply, unchanged. RFC 5321 section 4.2, RFC 2034 section 4.
 */
export function parseSmtpReply(text: string): SmtpReply {
  const found = smtpReply.exec(text)
  return {
    replyCode: found?.[1] === undefined ? null : Number(found[1]),
    status: found?.[2] === undefined ? null : parseEnhancedStatusCode(found[2]),
    text,
  }
}

/** The head of a reply that goes on, as it stands on one line with the rest of it. */
const continuedReply = /(?:^|[\s:>'"([])([245]\d\d)-(?:([245]\.\d{1,3}\.\d{1,3})[ -])?(?!\d)/
const repeatedCodes = / ([245]\d\d)[ -](?:([245]\.\d{1,3}\.\d{1,3})(?![\d.])|(?!\d))/g

/**
 * A reply of several lines, put on one, with its codes once: `550-5.7.1 one 550-5.7.1 two
 * 550 5.7.1 three` is `550 5.7.1 one two three`. Numbers of its sentences stay, as do other codes.
 * RFC 5321 section 4.2.1, RFC 2034 section 4.
 */
export function joinReplyLines(text: string): string {
  const head = text.includes('-') ? continuedReply.exec(text) : null
  const code = head?.[1]
  if (head === null || code === undefined) return text
  const status = head[2]
  const rest = text.slice(head.index + head[0].length)
  // The line that begins with a space is the last one, and there is only one.
  const lastContinued = Math.max(0, rest.lastIndexOf(` ${code}-`))
  const withStatus = rest.indexOf(` ${code} ${status}`, lastContinued)
  const lastLine = withStatus >= 0 ? withStatus : rest.indexOf(` ${code} `, lastContinued)
  const joined = rest.replace(repeatedCodes, (repeat, otherCode, otherStatus, at) => {
    const isSame = otherCode === code && (otherStatus === undefined || otherStatus === status)
    if (!isSame || (repeat[4] === ' ' && at !== lastLine)) return repeat
    return rest[at + repeat.length] === ' ' ? '' : ' '
  })
  if (joined === rest) return text
  return text.slice(0, head.index) + head[0].replace(`${code}-`, `${code} `) + joined
}
