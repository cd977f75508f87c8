import { uuidv7 } from 'uuidv7'
import type { SealedToken } from '../../../src/attribute/sealed-token.ts'
import type { Door, Reply } from '../door.ts'

export const urlencoded = { 'content-type': 'application/x-www-form-urlencoded' }

export type Recipient = { address: string; unsubscribe: string; preferences: string }

/** Recipients of their own, and what stands about them in the database. */
export function recipientsOf(door: Door) {
  return {
    /** With one link of each purpose. */
    async add(token: Partial<SealedToken> & { tenantId: number }): Promise<Recipient> {
      const address = token.recipient ?? `jane-${uuidv7()}@example.com`
      const content = { ...token, recipient: address }
      return {
        address,
        unsubscribe: await door.seal({ ...content, purpose: 'unsubscribe' }),
        preferences: await door.seal({ ...content, purpose: 'preferences' }),
      }
    },

    async addGroup(tenantId: number, name: string, isDeleted = false): Promise<number> {
      const [row] = await door.sql<{ groupId: number }[]>`
        insert into suppression_group (tenant_id, name, description, deleted_at)
        values (${tenantId}, ${name}, ${`About ${name}`}, ${isDeleted ? new Date() : null})
        returning group_id`
      return row?.groupId ?? 0
    },

    /** A form as browsers send it: pairs, because names repeat. */
    post(path: string, ...fields: [name: string, value: string | number][]): Promise<Reply> {
      const body = new URLSearchParams(
        fields.map(([name, value]): [string, string] => [name, String(value)]),
      )
      return door.call('POST', path, { headers: urlencoded, body: body.toString() })
    },

    /** Presses "Undo" on a page that `path` answered with; or sends a click of somebody else. */
    undo(path: string, clickId: string): Promise<Reply> {
      return this.post(path, ['click', clickId], ['action', 'undo'])
    },

    /** What the recipient has left: groups, or 0 for everything. */
    async left(address: string): Promise<number[]> {
      const rows = await door.sql<{ groupId: number }[]>`
        select group_id from suppression
        where address = ${address} and list in ('global_unsubscribes', 'group_unsubscribes')
        order by group_id`
      return rows.map(({ groupId }) => groupId)
    },

    async history(address: string): Promise<unknown[]> {
      const rows = await door.sql`
        select kind, via, group_id from feedback
        where recipient = ${address}
        order by feedback_id`
      return rows.map(({ kind, via, groupId }) => [kind, via, groupId])
    },

    async events(address: string): Promise<unknown[]> {
      const rows = await door.sql`
        select change, list, group_id from outbox
        where address = ${address}
        order by outbox_id`
      return rows.map(({ change, list, groupId }) => [change, list, groupId])
    },
  }
}

/** The click that a page offers to take back; '' when it does not. */
export function clickOf(page: string): string {
  return /name="click" value="([^"]+)"/.exec(page)?.[1] ?? ''
}
