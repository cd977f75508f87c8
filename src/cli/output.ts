import { terminalJson } from './terminal-text.ts'

/** Results go to standard output: one JSON line, or the text for people. */
export function print(asJson: boolean, value: unknown, text: string): void {
  process.stdout.write(asJson ? `${terminalJson(value)}\n` : `${text}\n`)
}

/** Columns as wide as their widest cell, the first row being the header. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [header, ...rows]
  const widths = header.map((_, column) =>
    Math.max(...all.map((row) => (row[column] ?? '').length)),
  )
  return all
    .map((row) =>
      row
        .map((cell, column) =>
          column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0),
        )
        .join('  '),
    )
    .join('\n')
}
