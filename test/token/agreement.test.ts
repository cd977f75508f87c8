import { beforeAll, expect, test } from 'vitest'
import { tokenDay } from '../../src/attribute/token-day.ts'
import { feedbackHeaders, readSigningKey } from '../../src/token/token.ts'
import { useCommandLine } from '../cli/hearback.ts'
import { startDaemon } from '../support/daemon.ts'

const line = useCommandLine()
const domain = 'bounces.shop.example'
const publicUrl = 'https://feedback.shop.example'
const apiKey = 'a-key-of-the-tests-without-spaces'
const messageId = '<1@shop.example>'
let url: string
let exported: string
let groups: number[]

beforeAll(async () => {
  Object.assign(line.env, { HEARBACK_PUBLIC_URL: publicUrl })
  await line.run('tenant', 'add', 'shop')
  await line.run('domain', 'add', domain, '--tenant', 'shop')
  await line.run('key', 'add', '--tenant', 'shop', '--key', apiKey)
  exported = await line.run('signing-key', 'export', '--tenant', 'shop')
  const made = await line.database.sql<{ id: number }[]>`
    insert into suppression_group (tenant_id, name)
    select tenant_id, 'group ' || number
    from tenant, generate_series(1, 2) as numbers (number)
    returning group_id as id`
  groups = made.map(({ id }) => id)
  const { http } = await startDaemon(line.env)
  url = `http://${http.host}:${http.port}`
})

test.each([
  { email: 'Jane@Customer.Example', isNamed: false, isGrouped: false },
  { email: 'josé@bücher.example', isNamed: true, isGrouped: false },
  { email: '"a b"@customer.example', isNamed: true, isGrouped: true },
])('the API, the command and the module give the same: %j', async (mail) => {
  const { api, command, module } = await onOneDay(async () => ({
    api: await fromApi(mail),
    command: await fromCommand(mail),
    module: fromModule(mail),
  }))
  expect(command).toBe(api)
  expect(module).toBe(api)
})

type Mail = { email: string; isNamed: boolean; isGrouped: boolean }

async function fromApi({ email, isNamed, isGrouped }: Mail): Promise<string> {
  const recipient = {
    email,
    ...(isNamed ? { message_id: messageId } : {}),
    ...(isGrouped ? { group_id: groups[0], groups_to_display: groups } : {}),
  }
  const response = await fetch(`${url}/v3/feedback/tokens`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ domain, recipients: [recipient] }),
  })
  expect(response.status).toBe(201)
  const text = await response.text()
  return text.slice('{"tokens":['.length, -']}'.length)
}

async function fromCommand({ email, isNamed, isGrouped }: Mail): Promise<string> {
  const ids = groups.map(String)
  const printed = await line.run(
    ...['token', 'make', '--json', '--domain', domain, '--email', email],
    ...(isNamed ? ['--message-id', messageId] : []),
    ...(isGrouped ? ['--group', ids[0] ?? '', '--display', ...ids] : []),
  )
  return printed.trimEnd()
}

/** In the words of the other two. */
function fromModule({ email, isNamed, isGrouped }: Mail): string {
  const made = feedbackHeaders({
    key: readSigningKey(exported),
    domain,
    publicUrl,
    email,
    ...(isNamed ? { messageId } : {}),
    ...(isGrouped ? { groupId: groups[0], groupsToDisplay: groups } : {}),
  })
  return JSON.stringify({
    email: email.toLowerCase().replace('bücher', 'xn--bcher-kva'),
    return_path: made.returnPath,
    headers: made.headers,
    unsubscribe_url: made.unsubscribeUrl,
    preferences_url: made.preferencesUrl,
  })
}

/** Tokens carry the day of their issue: once more when midnight passed meanwhile. */
async function onOneDay<Made>(make: () => Promise<Made>): Promise<Made> {
  const day = tokenDay(new Date())
  const made = await make()
  return tokenDay(new Date()) === day ? made : make()
}
