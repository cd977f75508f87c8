import type { Report } from '../feedback/report.ts'
import { createHtmlReader } from './html-reader.ts'
import { parseReport } from './report.ts'

export type Parser = {
  /**
   * Reads any bytes; what it can make no sense of is `unrecognized`. Never rejects. All but mail
   * whose text is HTML alone is read before it returns.
   */
  parse(raw: Buffer): Promise<Report>
  close(): Promise<void>
}

export function createParser(): Parser {
  const htmlReader = createHtmlReader()
  return {
    async parse(raw) {
      return parseReport(raw) ?? parseReport(raw, await htmlReader.read(raw)) ?? unreadable
    },
    close: () => htmlReader.close(),
  }
}

const unreadable: Report = {
  type: 'unrecognized',
  format: 'unknown',
  sealedTokens: [],
  original: null,
}
