import { z } from 'zod'
import { isErasedForm } from '../../feedback/erased-address.ts'
import { type AuditEntry, type AuditPosition, listAudit } from '../../record/audit-list.ts'
import { ApiError } from '../errors.ts'
import { emailAddress, wholeNumber } from '../validate.ts'
import { nextPageLink, readCursor, writeCursor } from './cursor.ts'
import { cursorParameter, unixTime } from './list.ts'
import { type Caller, type Route, route } from './route.ts'

const path = '/audit'

const query = z.object({
  limit: wholeNumber(1, 500).default(50),
  cursor: cursorParameter,
  email: emailAddress.optional(),
  actor: z.string().min(1).max(500).optional().describe('The `id` of an actor'),
  action: z.string().min(1).max(100).optional().describe('Such as `suppression.add`'),
  start_time: unixTime.optional(),
  end_time: unixTime.optional(),
})

export const auditEntry = z
  .strictObject({
    id: z.uuid(),
    happened_at: z.iso.datetime(),
    actor: z.strictObject({
      kind: z.enum(['api-key', 'jwt', 'command', 'daemon']),
      id: z.string().describe('Of the key, subject of the token, or user of the machine'),
      name: z.string().nullable(),
    }),
    action: z.string(),
    list: z.string().optional(),
    group_id: z.int().optional(),
    email: z.string().optional().describe('Absent for a change of many addresses or of none'),
    entries: z.int().min(0).optional().describe('Addresses that were really changed'),
    reason: z.string().nullable().describe('What X-Audit-Reason said'),
    request_id: z.string().nullable(),
    detail: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'AuditEntry' })

export const auditRoutes: readonly Route[] = [
  route(
    {
      method: 'get',
      path,
      scope: 'suppressions.read',
      tag: 'Audit',
      summary: 'Who changed what by hand, when and why, newest first',
      query,
      responses: { 200: z.strictObject({ entries: z.array(auditEntry) }) },
    },
    async ({ query, saidQuery, ...caller }) => {
      const entries = await auditPage(caller, query)
      const last = entries.at(-1)
      const { cursor: _, ...rest } = saidQuery
      const headers =
        last && entries.length === query.limit ? nextPageLink(path, rest, cursorAfter(last)) : {}
      return { status: 200, body: { entries: entries.map(auditRecord) }, headers }
    },
  ),
]

/** Both times are inclusive: `end_time` takes its whole second in. */
async function auditPage(
  { db, tenantId }: Caller,
  { limit, cursor, email, actor, action, start_time, end_time }: z.infer<typeof query>,
): Promise<AuditEntry[]> {
  const filter = {
    address: email ?? null,
    actorId: actor ?? null,
    action: action ?? null,
    from: start_time === undefined ? null : new Date(start_time * 1000),
    before: end_time === undefined ? null : new Date((end_time + 1) * 1000),
  }
  const after = cursor === undefined ? null : positionOf(cursor)
  return db.run((sql) => listAudit(sql, tenantId, filter, { limit, after }))
}

export function auditRecord(entry: AuditEntry): z.infer<typeof auditEntry> {
  return {
    id: entry.id,
    happened_at: entry.happenedAt.toISOString(),
    actor: entry.actor,
    action: entry.action,
    list: entry.list ?? undefined,
    group_id: entry.groupId ?? undefined,
    email: entry.address === null || isErasedForm(entry.address) ? undefined : entry.address,
    entries: entry.entries ?? undefined,
    reason: entry.reason,
    request_id: entry.requestId,
    detail: entry.detail,
  }
}

const position = z.tuple([
  z
    .int()
    .min(0)
    .max(Date.UTC(9999, 11, 31)),
  z.uuid(),
])

function positionOf(cursor: string): AuditPosition {
  const { success, data } = position.safeParse(readCursor(cursor))
  if (success) return { happenedAt: new Date(data[0]), id: data[1] }
  throw new ApiError(400, 'This cursor does not come from a page of this list', 'cursor')
}

function cursorAfter({ happenedAt, id }: AuditPosition): string {
  return writeCursor([happenedAt.getTime(), id])
}
