import { StringDecoder } from 'node:string_decoder'

export type TextReader = { write(bytes: Buffer): string; end(): string }

/**
 * Bytes as text, as they come: UTF-8, or UTF-16 as spreadsheets save it when its byte order mark
 * says so. What is no character becomes U+FFFD.
 */
export function createTextReader(): TextReader {
  let decoder: StringDecoder | null = null
  let held = Buffer.alloc(0)
  let isBegun = false

  function write(bytes: Buffer, isLast: boolean): string {
    if (decoder === null) {
      held = Buffer.concat([held, bytes])
      if (held.length < 2 && !isLast) return ''
      decoder = new StringDecoder(held.subarray(0, 2).equals(utf16Mark) ? 'utf16le' : 'utf8')
      return withoutMark(decoder.write(held))
    }
    return withoutMark(decoder.write(bytes))
  }

  function withoutMark(text: string): string {
    if (isBegun || text === '') return text
    isBegun = true
    return text.startsWith('\ufeff') ? text.slice(1) : text
  }

  return {
    write: (bytes) => write(bytes, false),
    end: () => write(Buffer.alloc(0), true) + withoutMark(decoder?.end() ?? ''),
  }
}

const utf16Mark = Buffer.from([0xff, 0xfe])
