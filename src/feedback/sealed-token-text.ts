/**
 * How a sealed token looks in text (docs/tokens.md): `hb1_` and base64url without padding. The
 * shortest one has 34 bytes behind the prefix.
 */
const sealedToken = /hb1_[A-Za-z0-9_-]{46,2000}/g

const maxTokens = 20

/** Texts in `text` that look like sealed tokens, each once, at most 20. */
export function findSealedTokens(text: string): string[] {
  return [...new Set(text.match(sealedToken) ?? [])].slice(0, maxTokens)
}
