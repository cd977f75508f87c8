import { z } from 'zod'
import { findSuppression } from '../../suppression/list.ts'
import { ApiError } from '../errors.ts'
import { emailAddress } from '../validate.ts'
import { add } from './add.ts'
import { emailInPath, listPage, listQueryWithoutEmail } from './list.ts'
import { removalRoutes } from './remove.ts'
import { type Route, route } from './route.ts'

const key = { list: 'global_unsubscribes', groupId: 0 } as const
const collection = '/asm/suppressions/global'
const one = `${collection}/:email`
const read = 'suppressions.read'
const write = 'suppressions.write'

const newUnsubscribes = z.object({ recipient_emails: z.array(emailAddress).min(1).max(10_000) })

export const globalUnsubscribeRoutes: readonly Route[] = [
  route('get', collection, read, { query: listQueryWithoutEmail }, async ({ query, ...caller }) => {
    const { page, total } = await listPage(caller, key, query)
    const body = { recipient_emails: page.map(({ address }) => address), total }
    return { status: 200, body }
  }),
  route(
    'get',
    one,
    read,
    { params: emailInPath },
    async ({ params: { email }, db, tenantId, now }) => {
      const entry = await db.run((sql) => findSuppression(sql, tenantId, key, email, now))
      if (entry === null) throw new ApiError(404, 'Not found')
      return { status: 200, body: { recipient_email: email } }
    },
  ),
  route('post', collection, write, { body: newUnsubscribes }, async ({ body, ...caller }) => {
    const addresses = [...new Set(body.recipient_emails)]
    await add(
      caller,
      addresses.map((address) => ({ ...key, address })),
    )
    return { status: 201, body: { recipient_emails: addresses } }
  }),
  ...removalRoutes(key, collection),
]
