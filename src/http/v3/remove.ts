import { z } from 'zod'
import type { Sql } from '../../db/sql.ts'
import { addToOutbox } from '../../publish/outbox.ts'
import { addAudit } from '../../record/audit.ts'
import type { ListKey } from '../../suppression/list.ts'
import { removeNextSuppressions, removeSuppression } from '../../suppression/remove.ts'
import { emailInPath } from './list.ts'
import { type Answer, type Caller, type Route, route } from './route.ts'

/** `DELETE …/{email}` and `DELETE …?delete_all=true` of a list. */
export function removalRoutes(key: ListKey, collection: string, tag: string): readonly Route[] {
  return [
    route(
      {
        method: 'delete',
        path: `${collection}/:email`,
        scope: 'suppressions.write',
        tag,
        summary: 'Take one address off the list: 204 also when it is not on it',
        params: emailInPath,
        responses: { 204: null },
      },
      ({ params, ...caller }) => removeOne(caller, key, params.email),
    ),
    route(
      {
        method: 'delete',
        path: collection,
        scope: 'suppressions.write',
        tag,
        summary: 'Take all addresses off the list',
        query: deleteAllQuery,
        responses: { 204: null },
      },
      async (caller) => {
        await removeAll(caller, key)
        return { status: 204 }
      },
    ),
  ]
}

/** Nothing beside it: whoever adds a filter would expect it to be heeded. */
const deleteAllQuery = z.strictObject({
  delete_all: z.literal('true', { error: 'Must be true: this deletes the whole list' }),
})

/** Few enough for one transaction to stay far below the deadline of the database. */
const chunk = 2_000

/** Takes one address off a list; 204 also when it is not there. */
export async function removeOne(
  caller: Caller,
  key: ListKey,
  address: string,
): Promise<Answer<never>> {
  const { db, tenantId, by, now } = caller
  await db.transaction(async (sql) => {
    if (!(await removeSuppression(sql, tenantId, key, address))) return
    await tell(sql, caller, key, [address])
    await addAudit(sql, tenantId, by, [{ action: 'suppression.remove', ...key, address }], now)
  })
  return { status: 204 }
}

/**
 * Takes all addresses off a list, one transaction after the other, and gives back how many were
 * there. When it fails half-way the first half is gone; to ask again is safe.
 */
export async function removeAll(caller: Caller, key: ListKey): Promise<number> {
  const { db, tenantId, by, now } = caller
  let entries = 0
  let removed: string[] = []
  do {
    const after = removed.at(-1) ?? ''
    removed = await db.transaction(async (sql) => {
      const next = await removeNextSuppressions(sql, tenantId, key, { after, limit: chunk })
      await tell(sql, caller, key, next)
      const change = { action: 'suppression.remove-all' as const, ...key, entries: next.length }
      await addAudit(sql, tenantId, by, next.length > 0 ? [change] : [], now)
      return next
    })
    entries += removed.length
  } while (removed.length === chunk)
  return entries
}

async function tell(
  sql: Sql,
  { tenantId, now }: Caller,
  key: ListKey,
  addresses: readonly string[],
): Promise<void> {
  const events = addresses.map((address) => ({ change: 'removed' as const, ...key, address }))
  await addToOutbox(sql, tenantId, events, now)
}
