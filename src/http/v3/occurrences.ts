import type { Feedback } from '../../feedback/feedback.ts'
import { listFeedback, type PastFeedback } from '../../record/history.ts'
import { findImportLine } from '../../suppression/import-line.ts'
import { findSuppression, type ListKey } from '../../suppression/list.ts'
import { ApiError } from '../errors.ts'
import type { Caller } from './route.ts'

/** As many occurrences of one address as an answer shows. */
const maxOccurrences = 500

/** What happened to an address since it came onto a list, newest first. 404 when it is not on it. */
export async function listOccurrences(
  { db, tenantId, now }: Caller,
  key: ListKey,
  kind: Feedback['kind'],
  recipient: string,
): Promise<PastFeedback[]> {
  return db.run(async (sql) => {
    const entry = await findSuppression(sql, tenantId, key, recipient, now)
    if (entry === null) throw new ApiError(404, 'Not found')
    const history = { recipient, kind, since: entry.createdAt }
    const occurrences = await listFeedback(sql, tenantId, history, maxOccurrences)
    const line = await findImportLine(sql, tenantId, key, recipient)
    if (line !== null) {
      occurrences.push({ ...line, reportedAt: line.since })
      return occurrences.slice(0, maxOccurrences)
    }
    // History may be kept for a shorter time than the lists.
    return occurrences.length > 0 ? occurrences : [{ ...entry, reportedAt: entry.createdAt }]
  })
}
