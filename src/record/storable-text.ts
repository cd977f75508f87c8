/** Text that PostgreSQL takes as it is: no NUL, no lone surrogates, no longer than `maxLength`. */
export function storableText(text: string, maxLength: number): string {
  return text.slice(0, maxLength).replaceAll('\0', '').toWellFormed()
}
