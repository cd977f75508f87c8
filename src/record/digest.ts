import { createHash } from 'node:crypto'

/** What each relay adds on its own: the same report over two routes differs only in these. */
const traceFields =
  /^(?:received|return-path|delivered-to|x-original-to|authentication-results|received-spf|arc-[a-z-]+)[ \t]*:/i

/** A header block is no longer; what follows counts as body. */
const maxHeaderBytes = 256 * 1024

/**
 * SHA-256 that tells redeliveries apart from new mail, for one RCPT TO: the Message-ID would let a
 * forger take the place of a report to come.
 */
export function messageDigest(content: Buffer, rcptTo: string): Buffer {
  return createHash('sha256').update(content).update(rcptTo).digest()
}

/** SHA-256 of a message without its trace fields. */
export function contentDigest(raw: Buffer): Buffer {
  const hash = createHash('sha256')
  let at = 0
  let kept = 0
  let inTraceField = false
  while (at < raw.length && at < maxHeaderBytes) {
    const lineFeed = raw.indexOf(10, at)
    const end = lineFeed < 0 ? raw.length : lineFeed + 1
    const first = raw[at]
    if (first === 10 || (first === 13 && raw[at + 1] === 10)) break
    if (first !== 32 && first !== 9) {
      const isTrace = traceFields.test(raw.toString('latin1', at, Math.min(end, at + 40)))
      if (isTrace && !inTraceField) hash.update(raw.subarray(kept, at))
      if (!isTrace && inTraceField) kept = at
      inTraceField = isTrace
    }
    at = end
  }
  if (inTraceField) kept = at
  return hash.update(raw.subarray(kept)).digest()
}
