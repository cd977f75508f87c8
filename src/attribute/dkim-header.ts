/** One field of a header block as it stands: name, colon, folded value; each byte is one character. */
export type HeaderField = {
  /** Lower-case. */
  name: string
  text: string
}

export type StrictHeader = { fields: readonly HeaderField[]; bodyStart: number }

/** What verifying may cost grows with these, and reports are far below. */
const maxHeaderBytes = 64 * 1024
const maxHeaderLines = 1_000

/**
 * A header block without anything that two programs could read in two ways, `null` for any other:
 * lines end in CRLF, each is a field or goes on with one (RFC 5322 section 2.2).
 */
export function readStrictHeader(raw: Buffer): StrictHeader | null {
  const bytes = raw.toString('latin1', 0, maxHeaderBytes)
  const fields: HeaderField[] = []
  let start = 0
  for (let lines = 0; lines < maxHeaderLines; lines++) {
    const end = bytes.indexOf('\r\n', start)
    if (end < 0) return null
    if (end === start) return { fields, bodyStart: end + 2 }
    const line = bytes.slice(start, end)
    if (unclear.test(line)) return null
    const last = fields.at(-1)
    if (/^[ \t]/.test(line)) {
      if (last === undefined) return null
      last.text += `\r\n${line}`
    } else {
      const name = fieldName.exec(line)?.[1]
      if (name === undefined) return null
      fields.push({ name: name.toLowerCase(), text: line })
    }
    start = end + 2
  }
  return null
}

const fieldName = /^([!-9;-~]{1,100}):/

/** Half a line break, or a byte that some programs drop. */
const unclear = /[\r\n\0]/

/** What stands behind the colon, unfolded (RFC 5322 section 2.2.3). */
export function unfoldedValue({ text }: HeaderField): string {
  return text
    .slice(text.indexOf(':') + 1)
    .replaceAll('\r\n', '')
    .trim()
}
