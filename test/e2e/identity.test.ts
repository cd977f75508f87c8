import { afterAll, beforeAll, expect, test } from 'vitest'
import { hearback, type RunningDaemon, startDaemon } from '../support/daemon.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { apiKey, bounces, globalUnsubscribes, listed, secret, spamReports } from './api.ts'
import { abuseReport, deliveryStatus, send, unsubscribeMail } from './mail.ts'

let database: TestDatabase
let daemon: RunningDaemon
let env: Record<string, string>
const domain = 'bounces.shop-name.com'

type Made = { return_path: string; unsubscribe_url: string; headers: Record<string, string> }

beforeAll(async () => {
  database = await createTestDatabase({ migrated: false })
  env = {
    DATABASE_URL: database.url,
    HEARBACK_SECRET: secret,
    HEARBACK_BOOTSTRAP_TENANT: 'shop',
    HEARBACK_BOOTSTRAP_API_KEY: apiKey,
    HEARBACK_BOOTSTRAP_DOMAIN: 'open.example',
  }
  daemon = await startDaemon(env)
  env['HEARBACK_PUBLIC_URL'] = `http://${daemon.http.host}:${daemon.http.port}`
})

afterAll(async () => {
  await daemon?.stop()
  await database?.drop()
})

async function command(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await hearback(args, { env })
  if (code !== 0) throw new Error(stderr)
  return stdout
}

async function makeToken(email: string): Promise<Made> {
  return JSON.parse(await command('token', 'make', '--domain', domain, '--email', email, '--json'))
}

test('a domain that is added beside the running daemon takes mail at once', async () => {
  expect(await send(daemon, `bounces@${domain}`, '')).toMatchObject({ code: 550 })

  const said = await command('domain', 'add', domain, '--tenant', 'shop')

  expect(said).toContain(`${domain}.  IN MX   10 `)
  expect(said).toContain('v=spf1 include:shop-name.com -all')
  expect(await send(daemon, `bounces@${domain}`, 'Subject: hi\r\n\r\n')).toMatchObject({
    code: 250,
  })
})

test.each([
  ['a foreign domain', 'jane@elsewhere.example', '550 5.7.1 Relaying denied'],
  ['a subdomain', `bounces@sub.${domain}`, '550 5.7.1 Relaying denied'],
  ['a domain that ends like ours', `bounces@not${domain}`, '550 5.7.1 Relaying denied'],
  ['the percent hack', `jane%elsewhere.example@${domain}`, '550 5.1.1 No such mailbox here'],
  ['an unknown mailbox', `jane@${domain}`, '550 5.1.1 No such mailbox here'],
])('mail to %s is refused', async (_, rcptTo, reply) => {
  expect((await send(daemon, rcptTo, 'Subject: hi\r\n\r\n')).text).toBe(reply)
})

test.each([
  ['postmaster', 'postmaster'],
  ['postmaster of a domain', `postmaster@${domain}`],
  ['a role address in capitals', `BOUNCES@${domain.toUpperCase()}`],
])('mail to %s is taken', async (_, rcptTo) => {
  expect(await send(daemon, rcptTo, `Subject: ${rcptTo}\r\n\r\n`)).toMatchObject({ code: 250 })
})

test('a bounce to a signed return path counts for its recipient', async () => {
  const { return_path: returnPath } = await makeToken('Signed@customer.example')
  const report = deliveryStatus([{ address: 'signed@customer.example' }])
  expect(await send(daemon, returnPath, report)).toMatchObject({ code: 250 })
  const again = deliveryStatus([{ address: 'signed@customer.example' }])
  expect(await send(daemon, returnPath.toUpperCase(), again)).toMatchObject({ code: 250 })
  const entries = (await bounces(daemon)).filter(({ email }) => email === 'signed@customer.example')
  expect(entries).toMatchObject([{ bounce_type: 'hard', status: '5.1.1' }])
})

test('a return path that was changed anywhere is no mailbox', async () => {
  const { return_path: returnPath } = await makeToken('changed@customer.example')
  const [localPart = ''] = returnPath.split('@')
  for (const position of [1, 9, 20, localPart.length - 2]) {
    const other = localPart[position] === 'a' ? 'b' : 'a'
    const changed = localPart.slice(0, position) + other + localPart.slice(position + 1)
    const reply = await send(daemon, `${changed}@${domain}`, 'Subject: hi\r\n\r\n')
    expect(reply.text).toBe('550 5.1.1 No such mailbox here')
  }
  const elsewhere = await send(daemon, `${localPart}@open.example`, 'Subject: hi\r\n\r\n')
  expect(elsewhere.text).toBe('550 5.1.1 No such mailbox here')
})

test('a report that names somebody else than the return path touches nobody', async () => {
  const { return_path: returnPath } = await makeToken('mine@customer.example')
  const report = deliveryStatus([{ address: 'victim@customer.example' }])
  expect(await send(daemon, returnPath, report)).toMatchObject({ code: 250 })
  expect(await listed(daemon)).not.toContain('victim@customer.example')
  expect(await listed(daemon)).not.toContain('mine@customer.example')
})

test('an unsigned report to a domain that wants signatures is kept and touches nobody', async () => {
  const before = await listed(daemon)
  const reports = [
    deliveryStatus([{ address: 'unsigned@customer.example' }]),
    abuseReport('unsigned@customer.example'),
    unsubscribeMail('unsigned@customer.example', 'unsubscribe'),
  ]
  for (const report of reports) {
    const reply = await send(daemon, `bounces@${domain}`, report, 'someone@customer.example')
    expect(reply).toMatchObject({ code: 250 })
  }
  expect(await listed(daemon)).toEqual(before)
  const [row] = await database.sql`
    select count(*)::int as kept from received_message
    where outcome = 'unattributed' and rcpt_to = ${`bounces@${domain}`}`
  expect(row?.['kept']).toBeGreaterThanOrEqual(3)
})

test('a bounce to the role address counts for the token in the returned headers', async () => {
  const { headers } = await makeToken('ref@customer.example')
  const returned = `X-Hearback-Ref: ${headers['X-Hearback-Ref']}`
  const report = deliveryStatus([{ address: 'ref@customer.example' }], { returned })
  await send(daemon, `bounces@${domain}`, report)
  expect((await bounces(daemon)).map(({ email }) => email)).toContain('ref@customer.example')
})

test('following an unsubscribe link changes nothing, posting to it does', async () => {
  const { unsubscribe_url: url } = await makeToken('click@customer.example')
  const page = await fetch(url)
  expect(page.status).toBe(200)
  expect(await page.text()).toContain('method="post"')
  expect((await fetch(url, { method: 'HEAD' })).status).toBe(200)
  expect(await globalUnsubscribes(daemon)).not.toContain('click@customer.example')

  const body = new URLSearchParams({ 'List-Unsubscribe': 'One-Click' })
  const [first, second] = await Promise.all([
    fetch(url, { method: 'POST', body, redirect: 'manual' }),
    fetch(url, { method: 'POST', body: formData(), redirect: 'manual' }),
  ])
  expect([first.status, second.status]).toEqual([200, 200])
  const unsubscribed = await globalUnsubscribes(daemon)
  expect(unsubscribed.filter((email) => email === 'click@customer.example')).toHaveLength(1)
})

test('a bounce token and a changed one open no unsubscribe page', async () => {
  const { unsubscribe_url: url, headers } = await makeToken('doors@customer.example')
  const reference = url.replace(/[^/]+$/, headers['X-Hearback-Ref'] ?? '')
  const changed = url.slice(0, -3) + (url.at(-3) === 'A' ? 'B' : 'A') + url.slice(-2)
  const bodies = new Set<string>()
  for (const wrong of [reference, changed, url.replace(/[^/]+$/, 'garbage')]) {
    const response = await fetch(wrong, { method: 'POST', body: formData() })
    expect(response.status).toBe(404)
    bodies.add(await response.text())
  }
  expect(bodies.size).toBe(1)
  expect(await listed(daemon)).not.toContain('doors@customer.example')
})

test('the mailto of List-Unsubscribe unsubscribes whoever the token names', async () => {
  const { headers } = await makeToken('mailto@customer.example')
  const mailto = /<mailto:([^?]+)\?subject=([^>]+)>/.exec(headers['List-Unsubscribe'] ?? '')
  const [, rcptTo = '', subject = ''] = mailto ?? []
  const mail = unsubscribeMail('somebody-else@customer.example', subject)
  const reply = await send(daemon, rcptTo, mail, 'somebody-else@customer.example')
  expect(reply).toMatchObject({ code: 250 })
  expect(await globalUnsubscribes(daemon)).toContain('mailto@customer.example')
  expect(await listed(daemon)).not.toContain('somebody-else@customer.example')
})

test('a complaint to the feedback address counts for the token in its headers', async () => {
  const { headers } = await makeToken('angry@customer.example')
  const report = abuseReport('redacted@customer.example').replace(
    'Subject: This month',
    `CFBL-Feedback-ID: ${headers['CFBL-Feedback-ID']}\r\nSubject: This month`,
  )
  await send(daemon, `fbl@${domain}`, report)
  expect(await spamReports(daemon)).toEqual(['angry@customer.example'])
})

test('what a token says can be read by the command, and a foreign one cannot', async () => {
  const { return_path: returnPath } = await makeToken('read@customer.example')
  expect(JSON.parse(await command('token', 'read', returnPath, '--json'))).toMatchObject({
    kind: 'return-path',
  })
  const foreign = await hearback(['token', 'read', `x${returnPath.slice(1)}`], { env })
  expect(foreign).toMatchObject({ code: 1, stdout: '' })
  expect(foreign.stderr).toBe('hearback: this is no token of ours: changed, cut or foreign\n')
})

test('the logs name no recipient, no token and no key', async () => {
  const { unsubscribe_url: url } = await makeToken('quiet@customer.example')
  await fetch(url, { method: 'POST', body: formData() })
  const said = daemon.stdout() + daemon.stderr()
  expect(said).not.toContain('@customer.example')
  expect(said).not.toContain(url.split('/').at(-1))
  expect(said).not.toContain(apiKey)
})

function formData(): FormData {
  const form = new FormData()
  form.set('List-Unsubscribe', 'One-Click')
  return form
}
