import type { z } from 'zod'
import type { Sql } from '../../db/sql.ts'
import { listAddressHistory } from '../../record/address-history.ts'
import { listAudit } from '../../record/audit-list.ts'
import { findNewestBounces } from '../../record/history.ts'
import { type AddressEntry, listAddressEntries } from '../../suppression/address-entries.ts'
import { checkAddresses, noBypass } from '../../suppression/check.ts'
import { checkRecord } from '../../suppression/check-record.ts'
import { ApiError } from '../errors.ts'
import { addressShape, feedbackRecord, suppressionRecord } from './address-record.ts'
import { auditRecord } from './audit.ts'
import { emailInPath } from './list.ts'
import { type Caller, type Route, route } from './route.ts'

/** Of entries, of feedback and of changes: what an answer shows of an address. */
const maxEach = 500

export const addressRoutes: readonly Route[] = [
  route(
    {
      method: 'get',
      path: '/suppression/addresses/:email',
      scope: 'suppressions.read',
      tag: 'Addresses',
      summary: 'Everything known about one address, oldest first, and what a check would say',
      params: emailInPath,
      responses: { 200: addressShape },
    },
    async ({ params: { email }, ...caller }) => ({
      status: 200,
      body: await everythingAbout(caller, email),
    }),
  ),
]

async function everythingAbout(
  { db, tenantId, now }: Caller,
  email: string,
): Promise<z.infer<typeof addressShape>> {
  const limit = maxEach + 1
  const ofAddress = { address: email, actorId: null, action: null, from: null, before: null }
  const { entries, history, changes, verdict } = await db.run(async (sql) => {
    const listed = await listAddressEntries(sql, tenantId, email, { limit, now })
    const [verdict] = await checkAddresses(sql, tenantId, [email], null, noBypass, now)
    return {
      entries: await withStandingReasons(sql, tenantId, email, listed),
      history: await listAddressHistory(sql, tenantId, email, limit),
      changes: await listAudit(sql, tenantId, ofAddress, { limit, after: null }),
      verdict: verdict ?? { reason: null, hits: [] },
    }
  })
  const all = [entries, history, changes]
  if (all.every(({ length }) => length === 0)) throw new ApiError(404, 'Not found')
  return {
    email,
    check: checkRecord(email, verdict),
    suppressions: oldestFirst(entries).map(suppressionRecord),
    feedback: oldestFirst(history).map(feedbackRecord),
    audit: oldestFirst(changes).map(auditRecord),
    truncated: all.some(({ length }) => length > maxEach),
  }
}

/** Where a stronger bounce has lapsed, the words of the one that still stands. */
async function withStandingReasons(
  sql: Sql,
  tenantId: number,
  recipient: string,
  entries: readonly AddressEntry[],
): Promise<AddressEntry[]> {
  const wanted = entries.flatMap(({ bounceClass, strongerLapsed }) =>
    strongerLapsed && bounceClass !== null ? [{ recipient, bounceClass }] : [],
  )
  const standing = await findNewestBounces(sql, tenantId, wanted)
  return entries.map((entry) =>
    entry.strongerLapsed ? { ...entry, ...standing.get(recipient) } : entry,
  )
}

function oldestFirst<T>(newestFirst: readonly T[]): T[] {
  return newestFirst.slice(0, maxEach).reverse()
}
