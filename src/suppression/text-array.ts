const special = /["\\]/

/**
 * Texts as one text that PostgreSQL reads as an array; empty when there is nothing but nulls. The
 * driver would make three strings of each text, which is most of what an import leaves to be
 * collected.
 */
export function textArray(texts: readonly (string | null)[]): string {
  if (texts.every((text) => text === null)) return '{}'
  if (texts.every((text) => text !== null && !special.test(text))) return `{"${texts.join('","')}"}`
  const elements = texts.map((text) =>
    text === null ? 'NULL' : `"${text.replaceAll(/["\\]/g, '\\$&')}"`,
  )
  return `{${elements.join(',')}}`
}
