/**
 * What spreadsheets take for a formula (OWASP, CSV injection), behind any number of apostrophes:
 * each writing adds one and each reading takes one away, so that nothing else is ever changed.
 */
const formula = /^'*[=+\-@\t\r\uff0b\uff0d\uff1d\uff20]/
const escapedFormula = /^'+[=+\-@\t\r\uff0b\uff0d\uff1d\uff20]/

/** A value as it stands in a CSV file (RFC 4180 section 2) that people may open as a spreadsheet. */
export function csvField(value: string): string {
  const text = formula.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** A value without what `csvField` put before it; of a file with quotes already read. */
export function withoutFormulaEscape(text: string): string {
  return text.charCodeAt(0) === 0x27 && escapedFormula.test(text) ? text.slice(1) : text
}
