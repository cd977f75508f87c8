import { z } from 'zod'
import { countSuppressions } from '../../suppression/counts.ts'
import {
  countMatches,
  type ListedSuppression,
  type ListFilter,
  type ListKey,
  type ListPosition,
  listSuppressions,
} from '../../suppression/list.ts'
import { ApiError } from '../errors.ts'
import { emailAddress, wholeNumber } from '../validate.ts'
import { nextPageLink, readCursor, writeCursor } from './cursor.ts'
import type { Caller } from './route.ts'

/** 9999-12-31, so that milliseconds sent by mistake are an error and not an empty page. */
const maxUnixSeconds = 253_402_300_799

export const maxOffset = 999_999_999_999

export const cursorParameter = z
  .string()
  .max(1_000)
  .optional()
  .describe('Where to go on: what the `Link` field of the page before says.')

export const unixTime = wholeNumber(0, maxUnixSeconds)

const page = {
  limit: wholeNumber(1, 500).default(50),
  offset: wholeNumber(0, maxOffset).optional(),
  cursor: cursorParameter,
  start_time: unixTime.optional(),
  end_time: unixTime.optional(),
}

export const listQuery = z.object({ ...page, email: emailAddress.optional() })
export const listQueryWithoutEmail = z.object(page)

export const emailInPath = z.object({ email: emailAddress })

type ListQuery = z.infer<typeof listQueryWithoutEmail> & { email?: string | undefined }

export type ListPage = {
  page: ListedSuppression[]
  /** Addresses of all pages. */
  total: number
  /** `Link` to the next page, when there may be one. */
  headers: Record<string, string>
}

/** One page of a list: by `cursor`, quick at any depth, or by `offset`. `path` is that of the list. */
export async function listPage(
  caller: Caller,
  key: ListKey,
  path: string,
  query: ListQuery,
): Promise<ListPage> {
  const { limit, offset, cursor, ...rest } = query
  if (cursor !== undefined && offset !== undefined) {
    throw new ApiError(400, 'cursor and offset exclude each other', 'cursor')
  }
  const start = cursor === undefined ? { offset: offset ?? 0 } : { after: positionOf(cursor) }
  return pageOf(caller, key, filterOf(rest), { limit, ...start }, (next) =>
    nextPageLink(path, { limit, ...rest }, next),
  )
}

/** A page that begins at an offset or after a position, and its total. */
export async function pageOf(
  { db, tenantId, now }: Caller,
  key: ListKey,
  filter: ListFilter,
  window: { limit: number } & ({ offset: number } | { after: ListPosition }),
  linkTo: (cursor: string) => Record<string, string>,
): Promise<ListPage> {
  const isFiltered = Object.values(filter).some((value) => value !== null)
  // On a long list either may take seconds: each has a deadline of its own.
  const page = await db.run((sql) => listSuppressions(sql, tenantId, key, filter, window, now))
  const total = await db.run((sql) =>
    isFiltered
      ? countMatches(sql, tenantId, key, filter)
      : countSuppressions(sql, tenantId, key.list, key.groupId),
  )
  const last = page.at(-1)
  // An address is on a list once.
  const mayGoOn = page.length === window.limit && filter.address === null
  return { page, total, headers: last && mayGoOn ? linkTo(cursorAfter(last)) : {} }
}

export function positionOf(cursor: string): ListPosition {
  const [milliseconds, address] = readCursor(cursor) ?? []
  const isTime = typeof milliseconds === 'number' && Math.abs(milliseconds) <= maxUnixSeconds * 1000
  if (isTime && typeof address === 'string') return { createdAt: new Date(milliseconds), address }
  throw new ApiError(400, 'This cursor does not come from a page of this list', 'cursor')
}

function cursorAfter({ createdAt, address }: ListPosition): string {
  return writeCursor([createdAt.getTime(), address])
}

export function unixSeconds(date: Date): number {
  return Math.floor(date.getTime() / 1000)
}

type Filters = { email?: string | undefined; start_time?: number; end_time?: number }

/** Both times are inclusive: `end_time` takes its whole second in. */
function filterOf({
  email,
  start_time: start,
  end_time: end,
}: {
  [name in keyof Filters]?: Filters[name] | undefined
}): ListFilter {
  return {
    address: email ?? null,
    from: start === undefined ? null : new Date(start * 1000),
    before: end === undefined ? null : new Date((end + 1) * 1000),
  }
}
