import { cleanText } from './clean-text.ts'
import { decodeWords } from './encoded-words.ts'
import { maxAddresses, maxAddressLength } from './limits.ts'

/**
 * The addresses of a From, To or Return-Path value, without names, comments and groups, in order,
 * each once, at most `limit`. Linear in the length of the value.
 */
export function addressesOf(value: string | null, limit: number = maxAddresses): string[] {
  if (value === null || !value.includes('@')) return []
  const found = new Set<string>()
  for (const match of value.matchAll(address)) {
    const text = match[1] ?? match[2]
    if (text === undefined) continue
    const decoded = text.includes('\x80') || eightBit.test(text) ? decodeWords(text) : text
    found.add(cleanText(decoded.trim(), maxAddressLength))
    if (found.size >= limit) break
  }
  return [...found]
}

const address =
  /<\s{0,9}((?:"[^"\r\n]{1,128}"|[^\s<>"]{1,256})@[^\s<>",;]{1,256})\s{0,9}>|((?:"[^"\r\n@]{1,128}"|[^\s<>"',;:()@[\]]{1,256})@[^\s<>"',;:()@]{1,256})/g
const eightBit = /[\x80-\xff]/
