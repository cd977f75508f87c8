import { z } from 'zod'
import { listFeedback } from '../../record/history.ts'
import { findSuppression } from '../../suppression/list.ts'
import { ApiError } from '../errors.ts'
import { emailAddress, optionalText } from '../validate.ts'
import { add } from './add.ts'
import { maxOccurrences } from './bounces.ts'
import { emailInPath, listPage, listQuery, unixSeconds } from './list.ts'
import { deleteAllQuery, removeAll, removeOne } from './remove.ts'
import { type Caller, type Route, route } from './route.ts'

type SpamReportRecord = { email: string; created: number; source: string | null }

const key = { list: 'spam_reports', groupId: 0 } as const
const collection = '/suppression/spam_reports'
const one = `${collection}/:email`
const read = 'suppressions.read'
const write = 'suppressions.write'

const newSpamReport = z.object({ email: emailAddress, source: optionalText(1_000) })

export const spamReportRoutes: readonly Route[] = [
  route('get', collection, read, { query: listQuery }, async ({ query, ...caller }) => {
    const { page, total } = await listPage(caller, key, query)
    const reports = page.map(({ address, createdAt, source }) => record(address, createdAt, source))
    return { status: 200, body: { spam_reports: reports, total } }
  }),
  route('get', one, read, { params: emailInPath }, async ({ params, ...caller }) => ({
    status: 200,
    body: await occurrences(caller, params.email),
  })),
  route(
    'post',
    collection,
    write,
    { body: newSpamReport },
    async ({ body: { email: address, source }, ...caller }) => {
      await add(caller, [{ ...key, address, source }])
      return { status: 201, body: record(address, caller.now, source) }
    },
  ),
  route('delete', one, write, { params: emailInPath }, ({ params, ...caller }) =>
    removeOne(caller, key, params.email),
  ),
  route('delete', collection, write, { query: deleteAllQuery }, (caller) => removeAll(caller, key)),
]

async function occurrences(
  { db, tenantId, now }: Caller,
  recipient: string,
): Promise<SpamReportRecord[]> {
  return db.run(async (sql) => {
    const entry = await findSuppression(sql, tenantId, key, recipient, now)
    if (entry === null) throw new ApiError(404, 'Not found')
    const history = { recipient, kind: 'spam-report', since: entry.createdAt } as const
    const reports = await listFeedback(sql, tenantId, history, maxOccurrences)
    // History may be kept for a shorter time than the lists.
    return reports.length > 0
      ? reports.map(({ reportedAt, source }) => record(recipient, reportedAt, source))
      : [record(recipient, entry.createdAt, entry.source)]
  })
}

function record(email: string, created: Date, source: string | null): SpamReportRecord {
  return { email, created: unixSeconds(created), source }
}
