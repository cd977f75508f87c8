/** RFC 2045 section 6: bytes (one character each) without their transfer encoding. */
export function decodeTransfer(bytes: string, encoding: string | null): string {
  const name = encoding?.trim().toLowerCase() ?? ''
  if (name.startsWith('base64') || name.startsWith('base-64')) return decodeBase64(bytes)
  if (name.startsWith('quoted-printable') || name.startsWith('quoted/printable')) {
    return decodeQuotedPrintable(bytes)
  }
  return bytes
}

/** Whatever is no base64 is skipped, as RFC 2045 section 6.8 says. */
export function decodeBase64(bytes: string): string {
  return Buffer.from(bytes, 'base64').toString('latin1')
}

/** What is no valid escape stays as it is (RFC 2045 section 6.7, note 2). */
export function decodeQuotedPrintable(bytes: string): string {
  if (!bytes.includes('=')) return bytes
  return bytes
    .replace(softLineBreak, '')
    .replace(escapedByte, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

// Not `[ \t]*` before the line break: a long run of blanks would be walked once for each of them.
const softLineBreak = /=[ \t]{0,20}\r?\n/g
const escapedByte = /=([0-9a-f]{2})/gi
