import type { Report } from '../feedback/report.ts'
import { createHtmlReader } from './html-reader.ts'
import { htmlMessage } from './human-text.ts'
import { readMessage } from './mime.ts'
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
      const report = parseReport(raw)
      if (report !== null) return report
      const text = await htmlReader.read(htmlMessage(readMessage(raw)))
      return parseReport(raw, text) ?? unreadable
    },
    close: () => htmlReader.close(),
  }
}

const unreadable: Report = {
  type: 'unrecognized',
  format: 'unknown',
  sealedTokens: [],
  quotedTokens: [],
  returnPaths: [],
  original: null,
}
