/** RFC 5321 section 4.1.1: what a server can refuse mail in reply to; `connect` is the greeting. */
export const smtpCommands = ['connect', 'helo', 'mail', 'rcpt', 'data'] as const

/** `data` is DATA or, mostly, its end: the message. */
export type SmtpCommand = (typeof smtpCommands)[number]

/**
 * The command that a server answered, as the words around its reply tell: Postfix's `(in reply to
 * end of DATA command)`, Exim's `after RCPT TO:<…>:`, qmail's `does not like recipient.`, and such.
 */
export function answeredCommand(words: string): SmtpCommand | null {
  const found = named.exec(words)
  if (found?.[1] !== undefined) return smtpCommand(found[1])
  if (!words.includes('Remote host said')) return null
  return sentences.find(([sentence]) => words.includes(sentence))?.[1] ?? null
}

/** The command that a client's line begins with, such as `RCPT TO:<user@example.com>`. */
export function smtpCommand(line: string): SmtpCommand | null {
  const verb = /[a-z]+/i.exec(line)?.[0].toUpperCase() ?? ''
  return verbs.get(verb) ?? null
}

const verbs: ReadonlyMap<string, SmtpCommand> = new Map([
  ['INITIAL', 'connect'],
  ['GREETING', 'connect'],
  ['HELO', 'helo'],
  ['EHLO', 'helo'],
  ['LHLO', 'helo'],
  ['MAIL', 'mail'],
  ['RCPT', 'rcpt'],
  ['DATA', 'data'],
  ['BDAT', 'data'],
  ['END', 'data'],
  ['FINAL', 'data'],
  ['TEXT', 'data'],
])

// DragonFly writes `did not like our`, the servers of 1&1 `for TEXT command`, Yahoo `[RCPT_TO]`.
const named =
  /(?:\bin\s+reply\s+to\s|\bafter(?:\s+pipelined)?\s|\bdid not like our\s|\bremote server for\s|\[(?=RCPT_TO\]|MAIL_FROM\]|EHLO\]|HELO\]|DATA\]))\s*(initial\s+(?:connection|response)|GREETING|[EHL]{2}LO|MAIL|RCPT|DATA|BDAT|TEXT|end\s+of\s+(?:DATA|data)|final\s+DATA)(?![a-z])/

/** Of qmail-remote, which puts `Remote host said:` behind. */
const sentences: readonly (readonly [string, SmtpCommand])[] = [
  ['does not like recipient.', 'rcpt'],
  ['failed after I sent the message.', 'data'],
  ['failed on DATA command.', 'data'],
  ['but sender was rejected.', 'mail'],
  ['but my name was rejected.', 'helo'],
  ['but greeting failed.', 'connect'],
]
