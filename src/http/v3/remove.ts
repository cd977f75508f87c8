import { z } from 'zod'
import type { Sql } from '../../db/sql.ts'
import { addToOutbox } from '../../publish/outbox.ts'
import type { ListKey } from '../../suppression/list.ts'
import { removeNextSuppressions, removeSuppression } from '../../suppression/remove.ts'
import { emailInPath } from './list.ts'
import { type Answer, type Caller, type Route, route } from './route.ts'

/** `DELETE …/{email}` and `DELETE …?delete_all=true` of a list. */
export function removalRoutes(key: ListKey, collection: string): readonly Route[] {
  const scope = 'suppressions.write'
  return [
    route(
      'delete',
      `${collection}/:email`,
      scope,
      { params: emailInPath },
      ({ params, ...caller }) => removeOne(caller, key, params.email),
    ),
    route('delete', collection, scope, { query: deleteAllQuery }, (caller) =>
      removeAll(caller, key),
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
async function removeOne(caller: Caller, key: ListKey, address: string): Promise<Answer> {
  const { db, tenantId } = caller
  await db.transaction(async (sql) => {
    if (await removeSuppression(sql, tenantId, key, address))
      await tell(sql, caller, key, [address])
  })
  return { status: 204 }
}

/**
 * Takes all addresses off a list, one transaction after the other, and answers when all are gone
 * that were there. When it fails half-way the first half is gone; to ask again is safe.
 */
async function removeAll(caller: Caller, key: ListKey): Promise<Answer> {
  const { db, tenantId } = caller
  let removed: string[] = []
  do {
    const after = removed.at(-1) ?? ''
    removed = await db.transaction(async (sql) => {
      const next = await removeNextSuppressions(sql, tenantId, key, { after, limit: chunk })
      await tell(sql, caller, key, next)
      return next
    })
  } while (removed.length === chunk)
  return { status: 204 }
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
