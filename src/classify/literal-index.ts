const gramLength = 4

/** Finds the few rules whose pattern may match a text, without running any pattern. */
export type LiteralIndex = (text: string) => number[]

/**
 * `literals[i]` are the literals of which pattern `i` needs one. Of each literal the four
 * characters that are rarest in `samples` become its key; one pass over a text then finds all
 * keys in it. Patterns with a literal that is shorter are candidates always.
 * The answer is in ascending order; it holds every pattern that matches, and some that do not.
 */
export function createLiteralIndex(
  literals: readonly (readonly string[])[],
  samples: readonly string[],
): LiteralIndex {
  const frequency = countGrams(samples)
  const buckets: number[][] = [[]]
  const bucketOf = new Uint16Array(65_536)
  const always: number[] = []
  for (const [pattern, set] of literals.entries()) {
    if (set.length === 0 || set.some((literal) => literal.length < gramLength)) {
      always.push(pattern)
      continue
    }
    for (const literal of set) addTo(buckets, bucketOf, rarestGram(literal, frequency), pattern)
  }
  const seen = new Uint8Array(literals.length)

  return (text) => {
    const found = [...always]
    for (let end = gramLength; end <= text.length; end++) {
      const bucket = bucketOf[hashGram(text, end)] ?? 0
      if (bucket === 0) continue
      for (const pattern of buckets[bucket] ?? []) {
        if (seen[pattern] === 1) continue
        seen[pattern] = 1
        found.push(pattern)
      }
    }
    for (const pattern of found) seen[pattern] = 0
    return found.sort((a, b) => a - b)
  }
}

function hashGram(text: string, end: number): number {
  const low = text.charCodeAt(end - 1) | (text.charCodeAt(end - 2) << 8)
  const high = text.charCodeAt(end - 3) | (text.charCodeAt(end - 4) << 8)
  return (Math.imul(low, 0x9e37_79b1) ^ Math.imul(high, 0x85eb_ca6b)) >>> 16
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

function addTo(buckets: number[][], bucketOf: Uint16Array, hash: number, pattern: number): void {
  const known = bucketOf[hash] ?? 0
  if (known === 0) bucketOf[hash] = buckets.push([pattern]) - 1
  else if (!buckets[known]?.includes(pattern)) buckets[known]?.push(pattern)
}
