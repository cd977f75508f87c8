import { TextDecoder } from 'node:util'

/**
 * Bytes (one character each) as text. A charset that is unknown, missing or plainly wrong is
 * replaced by UTF-8 where the bytes are UTF-8, else by windows-1252. Never throws.
 */
export function decodeCharset(bytes: string, charset: string | null): string {
  // ISO-2022 has 7 bits and shifts with ESC; in all others that mail knows, 7 bits are ASCII.
  const shifted = bytes.includes('\x1b')
  if (!shifted && !eightBit.test(bytes)) return bytes
  const buffer = Buffer.from(bytes, 'latin1')
  const label = charset === null ? (shifted ? 'iso-2022-jp' : null) : charset.trim().toLowerCase()
  if (label === null || isPlaceholder(label)) return decodeUndeclared(buffer)
  if (label.startsWith('iso-2022-jp') && !shifted) return decodeJapanese(buffer)
  const decoder = decoderFor(label)
  return decoder === null ? decodeUndeclared(buffer) : decoder.decode(buffer)
}

const eightBit = /[\x80-\xff]/

const strictUtf8 = new TextDecoder('utf-8', { fatal: true })
const strictEucJp = new TextDecoder('euc-jp', { fatal: true })
const shiftJis = new TextDecoder('shift_jis')
const windows1252 = new TextDecoder('windows-1252')
const decoders = new Map<string, TextDecoder | null>()
const maxCachedDecoders = 100

/** 8-bit text that calls itself ASCII, and UTF-8, which is so often claimed and not so. */
function isPlaceholder(label: string): boolean {
  return (
    label === 'us-ascii' || label === 'ascii' || label === 'utf-8' || label.startsWith('unknown')
  )
}

function decodeUndeclared(buffer: Buffer): string {
  try {
    return strictUtf8.decode(buffer)
  } catch {
    return windows1252.decode(buffer)
  }
}

/** 8-bit text that calls itself ISO-2022-JP, which has 7 bits, is one of its two siblings. */
function decodeJapanese(buffer: Buffer): string {
  try {
    return strictEucJp.decode(buffer)
  } catch {
    return shiftJis.decode(buffer)
  }
}

function decoderFor(label: string): TextDecoder | null {
  const cached = decoders.get(label)
  if (cached !== undefined) return cached
  const decoder = createDecoder(label)
  if (decoders.size < maxCachedDecoders) decoders.set(label, decoder)
  return decoder
}

function createDecoder(label: string): TextDecoder | null {
  try {
    return new TextDecoder(label)
  } catch {
    return null
  }
}
