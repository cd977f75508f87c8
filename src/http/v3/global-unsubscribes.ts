import { z } from 'zod'
import { findSuppression } from '../../suppression/list.ts'
import { ApiError } from '../errors.ts'
import { add } from './add.ts'
import { emailInPath, listPage, listQueryWithoutEmail } from './list.ts'
import { removalRoutes } from './remove.ts'
import { type Route, route } from './route.ts'
import { newRecipients, recipients, recipientsPage } from './shapes.ts'

const key = { list: 'global_unsubscribes', groupId: 0 } as const
const collection = '/asm/suppressions/global'
const one = `${collection}/:email`
const tag = 'Global unsubscribes'

export const globalUnsubscribeRoutes: readonly Route[] = [
  route(
    {
      method: 'get',
      path: collection,
      scope: 'suppressions.read',
      tag,
      summary: 'List global unsubscribes, newest first',
      query: listQueryWithoutEmail,
      responses: { 200: recipientsPage },
    },
    async ({ query, ...caller }) => {
      const { page, total, headers } = await listPage(caller, key, collection, query)
      const body = { recipient_emails: page.map(({ address }) => address), total }
      return { status: 200, body, headers }
    },
  ),
  route(
    {
      method: 'get',
      path: one,
      scope: 'suppressions.read',
      tag,
      summary: 'Whether one address is globally unsubscribed: 404 when it is not',
      params: emailInPath,
      responses: { 200: z.strictObject({ recipient_email: z.string() }) },
    },
    async ({ params: { email }, db, tenantId, now }) => {
      const entry = await db.run((sql) => findSuppression(sql, tenantId, key, email, now))
      if (entry === null) throw new ApiError(404, 'Not found')
      return { status: 200, body: { recipient_email: email } }
    },
  ),
  route(
    {
      method: 'post',
      path: collection,
      scope: 'suppressions.write',
      tag,
      summary: 'Unsubscribe addresses from everything',
      body: newRecipients,
      responses: { 201: recipients },
    },
    async ({ body, ...caller }) => {
      const addresses = [...new Set(body.recipient_emails)]
      await add(
        caller,
        addresses.map((address) => ({ ...key, address })),
      )
      return { status: 201, body: { recipient_emails: addresses } }
    },
  ),
  ...removalRoutes(key, collection, tag),
]
