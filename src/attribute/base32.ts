const alphabet = 'abcdefghijklmnopqrstuvwxyz234567'
const upperCase = alphabet.toUpperCase()

/** RFC 4648 section 6 in lower case, without padding. */
export function encodeBase32(bytes: Uint8Array): string {
  let text = ''
  let bits = 0
  let held = 0
  for (const byte of bytes) {
    held = (held << 8) | byte
    bits += 8
    while (bits >= 5) {
      bits -= 5
      text += alphabet[(held >>> bits) & 31]
    }
    held &= (1 << bits) - 1
  }
  return bits > 0 ? text + alphabet[(held << (5 - bits)) & 31] : text
}

/**
 * Case does not matter, for mail servers fold it. `null` for other characters and for left-over
 * bits that are not zero: each value has one text only.
 */
export function decodeBase32(text: string): Buffer | null {
  const bytes = Buffer.alloc(Math.floor((text.length * 5) / 8))
  let bits = 0
  let held = 0
  let length = 0
  for (const character of text) {
    // Not lower-cased by Unicode's rules: a Kelvin sign is no k.
    const value = Math.max(alphabet.indexOf(character), upperCase.indexOf(character))
    if (value < 0) return null
    held = (held << 5) | value
    bits += 5
    if (bits >= 8) {
      bits -= 8
      bytes[length++] = held >>> bits
      held &= (1 << bits) - 1
    }
  }
  return held === 0 && bits < 5 ? bytes : null
}
