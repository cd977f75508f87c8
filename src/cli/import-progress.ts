import type { ImportCounts } from '../suppression/import-order.ts'
import type { ImportSource } from './import-source.ts'

export type ImportProgress = { update(counts: ImportCounts): void; end(): void }

const pauseMs = 100
const barWidth = 24

/** On a terminal one line that tells how far it is; nothing anywhere else. */
export function createImportProgress(
  { readBytes, totalBytes }: Pick<ImportSource, 'readBytes' | 'totalBytes'>,
  terminal: NodeJS.WriteStream,
): ImportProgress {
  if (!terminal.isTTY) return { update: () => undefined, end: () => undefined }
  const begin = performance.now()
  let shownAt = Number.NEGATIVE_INFINITY
  let last: ImportCounts | null = null
  const show = (counts: ImportCounts): void => {
    const done = totalBytes ? Math.min(1, readBytes() / totalBytes) : null
    const line = progressLine(counts, { seconds: (performance.now() - begin) / 1000, done })
    terminal.write(`\r\x1b[K${line.slice(0, terminal.columns - 1)}`)
  }
  return {
    update(counts) {
      last = { ...counts }
      if (performance.now() - shownAt < pauseMs) return
      shownAt = performance.now()
      show(counts)
    },
    end() {
      if (last === null) return
      show(last)
      terminal.write('\n')
    },
  }
}

/** `done`: which share of the file; `null` when nobody knows how long it is. */
export function progressLine(
  { rows, errorCount }: ImportCounts,
  { seconds, done }: { seconds: number; done: number | null },
): string {
  const number = (value: number): string => Math.round(value).toLocaleString('en')
  const filled = Math.round((done ?? 0) * barWidth)
  const bar = `[${'#'.repeat(filled)}${' '.repeat(barWidth - filled)}] ${Math.floor((done ?? 0) * 100)} %  `
  const rate = number(rows / Math.max(seconds, 0.001))
  return `${done === null ? '' : bar}${number(rows)} rows  ${rate}/s  ${number(errorCount)} errors`
}
