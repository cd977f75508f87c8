import { z } from 'zod'
import { emailAddress, optionalText } from '../validate.ts'
import { add } from './add.ts'
import { emailInPath, listPage, listQuery, unixSeconds } from './list.ts'
import { listOccurrences } from './occurrences.ts'
import { removalRoutes } from './remove.ts'
import { type Route, route } from './route.ts'

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
  route('get', one, read, { params: emailInPath }, async ({ params: { email }, ...caller }) => {
    const reports = await listOccurrences(caller, key, 'spam-report', email)
    const body = reports.map(({ reportedAt, source }) => record(email, reportedAt, source))
    return { status: 200, body }
  }),
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
  ...removalRoutes(key, collection),
]

function record(email: string, created: Date, source: string | null): SpamReportRecord {
  return { email, created: unixSeconds(created), source }
}
