import { cleanText } from './clean-text.ts'
import { maxAddressLength } from './limits.ts'

/**
 * The address of a recipient field, `rfc822; user@example.com` in any of its shapes: with another
 * type or none, in brackets or quotes, with a comment, RFC 6533 `utf-8;` with `\x{..}`, and the
 * `+2B` and `+3D` of RFC 3461 section 4. What is no address at all is returned as it stands;
 * `null` for nothing.
 */
export function recipientAddress(value: string): string | null {
  const type = addressType.exec(value)
  const isUtf8 = type?.[1]?.toLowerCase() === 'utf-8'
  const text = value.slice(type?.[0].length ?? 0).trim()
  const bare = unwrap(text)
  const decoded = isUtf8 ? decodeUtf8Address(bare) : bare
  const address = decoded.includes('+') ? decodeXtext(decoded) : decoded
  return cleanText(address, maxAddressLength) || null
}

/** Whether it has the form of a mail address; generous, for the addresses of broken reports. */
export function looksLikeAddress(text: string): boolean {
  return addressShape.test(text)
}

const addressType = /^\s{0,20}([a-z0-9/.-]{1,20})\s{0,20};/i
const addressShape = /^(?:[^\s@<>()[\],;:"]{1,256}|"[^"]{1,256}")@[^\s@<>(),;:"]{1,256}$/

function unwrap(text: string): string {
  const angle = bracketed.exec(text)
  if (angle?.[1] !== undefined) return stripMailto(angle[1].trim())
  let bare = text.replace(trailingComment, '').trim()
  if (bare.length > 2 && /^(["']).*\1$/.test(bare) && !bare.includes('"@')) bare = bare.slice(1, -1)
  return stripMailto(bare.replace(/^<+|>+$/g, '').trim())
}

const bracketed = /<\s{0,9}([^<>]{1,1000}?)\s{0,9}>/
const trailingComment = /\s{0,9}\([^()]{0,500}\)\s{0,9}$/

function stripMailto(text: string): string {
  return /^(?:mailto|smtp):/i.test(text) ? text.slice(text.indexOf(':') + 1) : text
}

/** RFC 6533 section 3: utf-8-addr-xtext and utf-8-addr-unitext. */
function decodeUtf8Address(text: string): string {
  return text.replace(/\\x\{([0-9a-f]{2,6})\}/gi, (whole, hex: string) => {
    const code = Number.parseInt(hex, 16)
    const isCharacter = code <= 0x10ffff && (code < 0xd800 || code > 0xdfff)
    return isCharacter ? String.fromCodePoint(code) : whole
  })
}

/** Only the two printable characters that xtext must escape: `user+20@` is an address, too. */
function decodeXtext(text: string): string {
  return text.replaceAll('+2B', '+').replaceAll('+3D', '=')
}
