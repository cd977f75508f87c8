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
