import { z } from 'zod'
import { holdLiveGroup } from '../../suppression/groups.ts'
import type { ListKey } from '../../suppression/list.ts'
import { ApiError } from '../errors.ts'
import { wholeNumber } from '../validate.ts'
import { add } from './add.ts'
import { nextPageLink } from './cursor.ts'
import { demandGroup, groupInPath, notFound } from './groups.ts'
import { cursorParameter, emailInPath, maxOffset, pageOf, positionOf } from './list.ts'
import { removeOne } from './remove.ts'
import { type Route, route } from './route.ts'
import { newRecipients, recipients, recipientsPage } from './shapes.ts'

const collection = '/asm/groups/:group_id/suppressions'
const tag = 'Group suppressions'

const pageQuery = z.object({
  page: wholeNumber(1, maxOffset / 500).optional(),
  page_size: wholeNumber(1, 500).default(100),
  cursor: cursorParameter,
})

const everybody = { address: null, from: null, before: null }

export const groupSuppressionRoutes: readonly Route[] = [
  route(
    {
      method: 'get',
      path: collection,
      scope: 'suppressions.read',
      tag,
      summary: 'List who left a group, newest first',
      params: groupInPath,
      query: pageQuery,
      responses: { 200: recipientsPage },
    },
    async ({ params, query: { page: number, page_size: limit, cursor }, ...caller }) => {
      await demandGroup(caller, params.group_id)
      if (cursor !== undefined && number !== undefined) {
        throw new ApiError(400, 'cursor and page exclude each other', 'cursor')
      }
      const offset = ((number ?? 1) - 1) * limit
      const start = cursor === undefined ? { offset } : { after: positionOf(cursor) }
      const path = `/asm/groups/${params.group_id}/suppressions`
      const { page, total, headers } = await pageOf(
        caller,
        keyOf(params.group_id),
        everybody,
        { limit, ...start },
        (next) => nextPageLink(path, { page_size: limit }, next),
      )
      const body = { recipient_emails: page.map(({ address }) => address), total }
      return { status: 200, body, headers }
    },
  ),
  route(
    {
      method: 'post',
      path: collection,
      scope: 'suppressions.write',
      tag,
      summary: 'Unsubscribe addresses from a group',
      params: groupInPath,
      body: newRecipients,
      responses: { 201: recipients },
    },
    async ({ params: { group_id: groupId }, body, ...caller }) => {
      const addresses = [...new Set(body.recipient_emails)]
      const additions = addresses.map((address) => ({ ...keyOf(groupId), address }))
      await add(caller, additions, async (sql) => {
        if (!(await holdLiveGroup(sql, caller.tenantId, groupId))) throw notFound()
      })
      return { status: 201, body: { recipient_emails: addresses } }
    },
  ),
  route(
    {
      method: 'delete',
      path: `${collection}/:email`,
      scope: 'suppressions.write',
      tag,
      summary: 'Subscribe one address to a group again: 204 also when it had not left it',
      params: groupInPath.extend(emailInPath.shape),
      responses: { 204: null },
    },
    async ({ params: { group_id: groupId, email }, ...caller }) => {
      await demandGroup(caller, groupId)
      return removeOne(caller, keyOf(groupId), email)
    },
  ),
]

function keyOf(groupId: number): ListKey {
  return { list: 'group_unsubscribes', groupId }
}
