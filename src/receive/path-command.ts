/** The argument of MAIL FROM or RCPT TO (RFC 5321 section 4.1.1.2 and 4.1.1.3). */
export type PathCommand = {
  /** As the client wrote it, without brackets and source route; '' is the null reverse-path. */
  address: string
  /** Upper-case keywords; `true` for one without a value. */
  parameters: ReadonlyMap<string, string | true>
  /** A keyword that was given twice. */
  repeated: string | null
}

const route = '(?:@[^\\s<>@,:"]+(?:,@[^\\s<>@,:"]+)*:)?'
// Quotes may hold anything; outside of them dots may stand anywhere: `user.@docomo.ne.jp` is real.
const localPart = '(?:"(?:[^"\\\\]|\\\\.)*"|[^\\s<>@"\\\\])+'
const domain = '(?:\\[[^\\]\\[\\s<>]*\\]|[^\\s<>@"\\\\[\\]]+)'
const parameters = '((?:[ \\t]+[^\\s]+)*)[ \\t]*'
// Senders without a domain (`<MAILER-DAEMON>`) do not comply, and bounce all the same.
const mailFrom = new RegExp(
  `^MAIL FROM:[ \\t]*<(?:${route}(${localPart}(?:@${domain})?))?>${parameters}$`,
  'isu',
)
const rcptTo = new RegExp(
  `^RCPT TO:[ \\t]*<${route}(${localPart}@${domain}|postmaster)>${parameters}$`,
  'isu',
)
const parameter = /^([a-z0-9][a-z0-9-]*)(?:=([^=\s]+))?$/i

/** Control characters and invisible ones, which make two addresses look like one. */
const unsafe = /[\p{Cc}\u{200B}\u{2060}\u{FEFF}]/u

/**
 * Reads one whole command line; `null` when it is no `MAIL FROM:<path>` or `RCPT TO:<path>`.
 * Nothing in the address is rewritten, so that who decides about it decides about what was said:
 * only the source route goes, which RFC 5321 appendix C wants ignored.
 */
export function parsePathCommand(verb: 'MAIL FROM' | 'RCPT TO', line: string): PathCommand | null {
  const found = (verb === 'MAIL FROM' ? mailFrom : rcptTo).exec(line)
  const address = found?.[1] ?? ''
  if (found === null || unsafe.test(line)) return null
  const values = new Map<string, string | true>()
  let repeated: string | null = null
  for (const word of (found[2] ?? '').split(/[ \t]+/)) {
    if (word === '') continue
    const [, key, value] = parameter.exec(word) ?? []
    if (key === undefined) return null
    const keyword = key.toUpperCase()
    if (values.has(keyword)) repeated = keyword
    values.set(keyword, value ?? true)
  }
  const isBarePostmaster = verb === 'RCPT TO' && /^postmaster$/i.test(address)
  return { address: isBarePostmaster ? 'postmaster' : address, parameters: values, repeated }
}
