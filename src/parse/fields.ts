/** One field of a report part; `name` is lower-case, `value` one line. */
export type ReportField = { readonly name: string; readonly value: string }

/**
 * The blocks of `Name: value` lines of a report part (RFC 3464 section 2.1, RFC 5965 section 3),
 * without the empty ones. Lines that are no fields continue the field before them, folded or not.
 */
export function readFieldBlocks(text: string): ReportField[][] {
  const blocks: ReportField[][] = []
  let block: ReportField[] = []
  let name = ''
  let lines: string[] = []
  const endField = () => {
    if (name !== '') block.push({ name, value: lines.join(' ').trim() })
    name = ''
  }
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf('\n', start)
    const end = newline < 0 ? text.length : newline
    const line = text.slice(start, text.charCodeAt(end - 1) === 13 ? end - 1 : end)
    start = end + 1
    if (isBlank(line)) {
      endField()
      if (block.length > 0) blocks.push(block)
      block = []
      continue
    }
    const colon = fieldColon(line, name)
    if (colon > 0) {
      endField()
      name = line.slice(0, colon).trim().toLowerCase()
      lines = [line.slice(colon + 1).trim()]
    } else if (name !== '' && lines.length < maxFieldLines) {
      lines.push(line.trim())
    }
  }
  endField()
  if (block.length > 0) blocks.push(block)
  return blocks
}

/** The first non-empty value of that lower-case name, else `null`. */
export function reportField(block: readonly ReportField[], name: string): string | null {
  for (const field of block) if (field.name === name && field.value !== '') return field.value
  return null
}

/** All non-empty values of that lower-case name. */
export function reportFields(block: readonly ReportField[], name: string): string[] {
  return block.filter((field) => field.name === name && field.value !== '').map((f) => f.value)
}

const maxFieldLines = 200

const fieldName = /^[A-Za-z][A-Za-z0-9-]{1,60}[ \t]{0,9}:/
const indentedFieldName =
  /^[ \t]{1,20}(?:Reporting-MTA|Final-Recipient|Original-Recipient|Action|Status|Remote-MTA|Diagnostic-Code|Feedback-Type|Original-Rcpt-To):/i

/** Where the name of a field ends, or -1 for a line that continues the field `current`. */
function fieldColon(line: string, current: string): number {
  const code = line.charCodeAt(0)
  if (code === 32 || code === 9) return indentedFieldName.test(line) ? line.indexOf(':') : -1
  if (!fieldName.test(line)) return -1
  const colon = line.indexOf(':')
  // A diagnosis that was broken without folding goes on with words such as `Error: …`.
  if (current === 'diagnostic-code' && !line.slice(0, colon).includes('-')) {
    return /^(?:action|status)$/i.test(line.slice(0, colon).trim()) ? colon : -1
  }
  return colon
}

function isBlank(line: string): boolean {
  return line === '' || line.trim() === ''
}
