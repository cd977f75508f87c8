import { z } from 'zod'
import { emailAddress, optionalText } from '../validate.ts'
import { add } from './add.ts'
import { emailInPath, listPage, listQuery, unixSeconds } from './list.ts'
import { listOccurrences } from './occurrences.ts'
import { removalRoutes } from './remove.ts'
import { type Route, route } from './route.ts'
import { total, unixTimeOut } from './shapes.ts'

const key = { list: 'spam_reports', groupId: 0 } as const
const collection = '/suppression/spam_reports'
const one = `${collection}/:email`
const tag = 'Spam reports'

const newSpamReport = z.object({ email: emailAddress, source: optionalText(1_000) })

const spamReportRecord = z
  .strictObject({ email: z.string(), created: unixTimeOut, source: z.string().nullable() })
  .meta({ id: 'SpamReport' })

export const spamReportRoutes: readonly Route[] = [
  route(
    {
      method: 'get',
      path: collection,
      scope: 'suppressions.read',
      tag,
      summary: 'List spam reports, newest first',
      query: listQuery,
      responses: { 200: z.strictObject({ spam_reports: z.array(spamReportRecord), total }) },
    },
    async ({ query, ...caller }) => {
      const { page, total, headers } = await listPage(caller, key, collection, query)
      const reports = page.map(({ address, createdAt, source }) =>
        record(address, createdAt, source),
      )
      return { status: 200, body: { spam_reports: reports, total }, headers }
    },
  ),
  route(
    {
      method: 'get',
      path: one,
      scope: 'suppressions.read',
      tag,
      summary: 'The spam reports of one address since it came onto the list, newest first',
      params: emailInPath,
      responses: { 200: z.array(spamReportRecord) },
    },
    async ({ params: { email }, ...caller }) => {
      const reports = await listOccurrences(caller, key, 'spam-report', email)
      const body = reports.map(({ reportedAt, source }) => record(email, reportedAt, source))
      return { status: 200, body }
    },
  ),
  route(
    {
      method: 'post',
      path: collection,
      scope: 'suppressions.write',
      tag,
      summary: 'Add a spam report by hand',
      body: newSpamReport,
      responses: { 201: spamReportRecord },
    },
    async ({ body: { email: address, source }, ...caller }) => {
      await add(caller, [{ ...key, address, source }])
      return { status: 201, body: record(address, caller.now, source) }
    },
  ),
  ...removalRoutes(key, collection, tag),
]

function record(
  email: string,
  created: Date,
  source: string | null,
): z.infer<typeof spamReportRecord> {
  return { email, created: unixSeconds(created), source }
}
