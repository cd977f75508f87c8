import { expect, test } from 'vitest'
import { lockWaiters } from '../../suppression/entries.ts'
import { useDoor } from '../door.ts'

const door = useDoor()
const list = '/v3/asm/suppressions/global'

test('delete_all empties the list although reports touch its entries meanwhile', async () => {
  const { tenantId, key } = await door.addTenant()
  const addresses = Array.from({ length: 4_500 }, (_, n) => `u${n}@example.com`)
  await door.call('POST', list, { key, json: { recipient_emails: addresses } })
  let deleting: ReturnType<typeof door.call> | null = null
  await door.sql.begin(async (sql) => {
    await sql`
      update suppression set source = 'again'
      where tenant_id = ${tenantId} and address in ('u0@example.com', 'u3000@example.com')`
    deleting = door.call('DELETE', `${list}?delete_all=true`, { key })
    await lockWaiters(door.sql, 1)
  })
  expect(await deleting).toMatchObject({ status: 204 })
  expect((await door.call('GET', list, { key })).json).toEqual({ recipient_emails: [], total: 0 })
  const [events] = await door.sql`
    select count(*)::int as removed from outbox
    where tenant_id = ${tenantId} and change = 'removed'`
  expect(events).toEqual({ removed: addresses.length })
})
