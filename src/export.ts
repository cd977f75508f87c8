import type { Database } from './db/sql.ts'
import { type ExportFormat, exportHeader, exportLine } from './feedback/export-record.ts'
import { findNewestBounces } from './record/history.ts'
import { readExportPage } from './suppression/export.ts'
import type { ListedSuppression, ListKey, ListPosition } from './suppression/list.ts'

const pageRows = 2_000

/**
 * A whole list as text, newest first, in memory that does not grow with it. Rejects when its first
 * page cannot be read; the text throws when that befalls a later one. What comes onto the list or
 * leaves it meanwhile may or may not be in it.
 */
export async function exportList(
  { db, now }: { db: Database; now: () => Date },
  tenantId: number,
  key: ListKey,
  format: ExportFormat,
): Promise<AsyncGenerator<string>> {
  const at = now()
  const begin = await readPage(null)
  return text()

  async function* text(): AsyncGenerator<string> {
    yield exportHeader(key.list, format)
    let page = begin
    while (page.length > 0) {
      yield page.map((entry) => exportLine(key.list, format, entry)).join('')
      const last = page.at(-1)
      if (last === undefined || page.length < pageRows) return
      page = await readPage(last)
    }
  }

  async function readPage(after: ListPosition | null): Promise<ListedSuppression[]> {
    const window = { after, limit: pageRows, now: at }
    return db.run(async (sql) => {
      const page = await readExportPage(sql, tenantId, key, window)
      const lapsed = page.flatMap(({ address: recipient, bounceClass, strongerLapsed }) =>
        strongerLapsed && bounceClass !== null ? [{ recipient, bounceClass }] : [],
      )
      // Where a stronger bounce has lapsed, the words of the one that still stands.
      const standing = await findNewestBounces(sql, tenantId, lapsed)
      return page.map((entry) => ({ ...entry, ...standing.get(entry.address) }))
    })
  }
}
