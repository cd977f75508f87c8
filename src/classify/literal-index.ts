const gramLength = 3

/** Finds the few patterns that may match a text, without running any of them. */
export type LiteralIndex = (text: string) => number[]

type Entry = { pattern: number; literal: string }

/**
 * `literals[i]` are the literals of which pattern `i` needs one. Of each literal the three
 * characters that are rarest in `samples` become its key; one pass over a text finds all keys in
 * it, and then their literals. Literals too short for a key are looked for one by one.
 * The answer is in ascending order and holds every pattern that matches.
 */
export function createLiteralIndex(
  literals: readonly (readonly string[])[],
  samples: readonly string[],
): LiteralIndex {
  const entries = literals.flatMap((set, pattern) => set.map((literal) => ({ pattern, literal })))
  const always = literals.flatMap((set, pattern) => (set.length === 0 ? [pattern] : []))
  const short = entries.filter(({ literal }) => literal.length < gramLength)
  const shortAscii = short.filter(({ literal }) => isAscii(literal))
  const { bucketOf, buckets } = fillBuckets(
    entries.filter(({ literal }) => literal.length >= gramLength),
    countGrams(samples),
  )
  const seen = new Uint8Array(literals.length)

  return (text) => {
    const found = [...always]
    const look = (entries: readonly Entry[]) => {
      for (const { pattern, literal } of entries) {
        if (seen[pattern] === 1 || !text.includes(literal)) continue
        seen[pattern] = 1
        found.push(pattern)
      }
    }
    look(isAscii(text) ? shortAscii : short)
    let first = text.charCodeAt(0)
    let second = text.charCodeAt(1)
    for (let end = gramLength; end <= text.length; end++) {
      const third = text.charCodeAt(end - 1)
      const bucket = bucketOf[hashCodes(first, second, third)] ?? 0
      if (bucket > 0) look(buckets[bucket] ?? [])
      first = second
      second = third
    }
    for (const pattern of found) seen[pattern] = 0
    return found.sort((a, b) => a - b)
  }
}

function fillBuckets(entries: readonly Entry[], frequency: Uint32Array) {
  /** 0 is no bucket. */
  const bucketOf = new Uint16Array(65_536)
  const buckets: Entry[][] = [[]]
  for (const entry of entries) {
    const hash = rarestGram(entry.literal, frequency)
    if (bucketOf[hash] === 0) bucketOf[hash] = buckets.push([]) - 1
    buckets[bucketOf[hash] ?? 0]?.push(entry)
  }
  return { bucketOf, buckets }
}

function hashGram(text: string, end: number): number {
  return hashCodes(text.charCodeAt(end - 3), text.charCodeAt(end - 2), text.charCodeAt(end - 1))
}

function hashCodes(first: number, second: number, third: number): number {
  const low = third | (second << 8)
  return (Math.imul(low, 0x9e37_79b1) ^ Math.imul(first, 0x85eb_ca6b)) >>> 16
}

function countGrams(samples: readonly string[]): Uint32Array {
  const counts = new Uint32Array(65_536)
  for (const text of samples) {
    for (let end = gramLength; end <= text.length; end++) {
      const hash = hashGram(text, end)
      counts[hash] = (counts[hash] ?? 0) + 1
    }
  }
  return counts
}

function rarestGram(literal: string, frequency: Uint32Array): number {
  let best = hashGram(literal, gramLength)
  for (let end = gramLength + 1; end <= literal.length; end++) {
    const hash = hashGram(literal, end)
    if ((frequency[hash] ?? 0) < (frequency[best] ?? 0)) best = hash
  }
  return best
}

const beyondAsciiCharacter = /[\u0080-\uffff]/

function isAscii(text: string): boolean {
  return !beyondAsciiCharacter.test(text)
}
