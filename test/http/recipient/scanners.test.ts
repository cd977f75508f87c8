import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { useDoor } from '../door.ts'
import { recipientsOf } from './recipient.ts'

const door = useDoor()
const recipients = recipientsOf(door)

const sockets = 50
const requestsEach = 200
/** As many as a socket may send ahead. */
const ahead = 10

test('10,000 visits of scanners change not one row', async () => {
  const { tenantId } = await door.addTenant()
  const groupId = await recipients.addGroup(tenantId, 'News')
  const links = await Promise.all(
    Array.from({ length: sockets }, () => recipients.add({ tenantId, groupId })),
  )
  const before = await everyRow()
  const statuses = await Promise.all(
    links.map(({ unsubscribe, preferences }) =>
      scan([
        `GET /u/${unsubscribe}`,
        `GET /p/${preferences}`,
        `HEAD /u/${unsubscribe}`,
        `GET /t/u/${unsubscribe}?action=unsubscribe_all&confirm=yes&List-Unsubscribe=One-Click`,
        `GET /t/u/${preferences}?action=resubscribe_all`,
      ]),
    ),
  )
  expect(statuses.flat()).toHaveLength(sockets * requestsEach)
  expect(new Set(statuses.flat())).toEqual(new Set(['200']))
  expect(await everyRow()).toEqual(before)
}, 300_000)

/** The same requests over and over on one connection; the statuses of the answers. */
async function scan(requests: readonly string[]): Promise<string[]> {
  const socket = connect(door.port, '127.0.0.1').setEncoding('latin1')
  await once(socket, 'connect')
  const statuses: string[] = []
  let text = ''
  for (let sent = 0; sent < requestsEach; sent += ahead) {
    const batch = Array.from({ length: ahead }, (_, at) => requests[at % requests.length])
    socket.write(batch.map((line) => `${line} HTTP/1.1\r\nHost: x.test\r\n\r\n`).join(''))
    while (statuses.length < sent + ahead) {
      const [chunk] = await once(socket, 'data')
      text += chunk
      statuses.push(...[...text.matchAll(/HTTP\/1\.1 (\d+) /g)].map(([, status = '']) => status))
      text = text.slice(text.lastIndexOf('HTTP/1.1 ') + 9)
    }
  }
  socket.destroy()
  return statuses
}

/** A digest of every table. */
async function everyRow(): Promise<Record<string, string>> {
  const tables = await door.sql<{ name: string }[]>`
    select table_name as name from information_schema.tables
    where table_schema = 'public' and table_type = 'BASE TABLE'`
  const digests: Record<string, string> = {}
  for (const { name } of tables) {
    const [row] = await door.sql<{ digest: string }[]>`
      select concat(count(*), ' ', sum(hashtext(t::text)::bigint)) as digest
      from ${door.sql(name)} as t`
    digests[name] = row?.digest ?? ''
  }
  return digests
}
