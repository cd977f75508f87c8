import { z } from 'zod'
import { countSuppressions } from '../../suppression/counts.ts'
import {
  countMatches,
  type ListedSuppression,
  type ListFilter,
  type ListKey,
  listSuppressions,
} from '../../suppression/list.ts'
import { emailAddress, wholeNumber } from '../validate.ts'
import type { Caller } from './route.ts'

/** 9999-12-31, so that milliseconds sent by mistake are an error and not an empty page. */
const maxUnixSeconds = 253_402_300_799

const page = {
  limit: wholeNumber(1, 500).default(50),
  offset: wholeNumber(0, 999_999_999_999).default(0),
  start_time: wholeNumber(0, maxUnixSeconds).optional(),
  end_time: wholeNumber(0, maxUnixSeconds).optional(),
}

export const listQuery = z.object({ ...page, email: emailAddress.optional() })
export const listQueryWithoutEmail = z.object(page)

export const emailInPath = z.object({ email: emailAddress })

type ListQuery = z.infer<typeof listQueryWithoutEmail> & { email?: string | undefined }

/** One page of a list and how many addresses there are in all pages. */
export async function listPage(
  { db, tenantId, now }: Caller,
  key: ListKey,
  query: ListQuery,
): Promise<{ page: ListedSuppression[]; total: number }> {
  const { limit, offset } = query
  const filter = filterOf(query)
  const isFiltered = Object.values(filter).some((value) => value !== null)
  // On a long list either may take seconds: each has a deadline of its own.
  const page = await db.run((sql) =>
    listSuppressions(sql, tenantId, key, filter, { limit, offset, now }),
  )
  const total = await db.run((sql) =>
    isFiltered
      ? countMatches(sql, tenantId, key, filter)
      : countSuppressions(sql, tenantId, key.list, key.groupId),
  )
  return { page, total }
}

export function unixSeconds(date: Date): number {
  return Math.floor(date.getTime() / 1000)
}

/** Both times are inclusive: `end_time` takes its whole second in. */
function filterOf({ email, start_time: start, end_time: end }: ListQuery): ListFilter {
  return {
    address: email ?? null,
    from: start === undefined ? null : new Date(start * 1000),
    before: end === undefined ? null : new Date((end + 1) * 1000),
  }
}
