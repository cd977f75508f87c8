import { generateKeyPairSync } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { createTransport, type SendMailOptions } from 'nodemailer'
import { pino } from 'pino'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { messageReferenceOf } from '../../src/attribute/feedback-headers.ts'
import { exportSigningKey } from '../../src/attribute/keyring.ts'
import { readReturnPath } from '../../src/attribute/return-path-token.ts'
import { openSealed } from '../../src/attribute/sealed-token.ts'
import { readConfig } from '../../src/config.ts'
import { type Daemon, startDaemon } from '../../src/daemon.ts'
import {
  type HearbackFields,
  type HearbackOptions,
  hearback,
  sendEach,
} from '../../src/nodemailer/nodemailer.ts'
import { readSigningKey, type SigningKey } from '../../src/token/token.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { bounceOf } from '../support/pipeline.ts'
import { connectSmtp } from '../support/smtp-client.ts'
import { header, openSink, type Sink, type Taken } from './sink.ts'

const domain = 'bounces.shop.example'
const apiKey = 'a key of the tests without spaces'.replaceAll(' ', '-')
const secret = 'a secret of the tests, long enough'

type Mail = SendMailOptions & { hearback?: HearbackFields }

let database: TestDatabase
let daemon: Daemon
let sink: Sink
let key: SigningKey
let url: string
let news: number
let people = 0

beforeAll(async () => {
  database = await createTestDatabase()
  const config = readConfig({
    DATABASE_URL: database.url,
    HEARBACK_SECRET: secret,
    HEARBACK_SMTP_PORT: '0',
    HEARBACK_HTTP_PORT: '0',
    HEARBACK_ADMIN_PORT: '0',
    HEARBACK_BOOTSTRAP_API_KEY: apiKey,
    HEARBACK_BOOTSTRAP_DOMAIN: domain,
  })
  daemon = await startDaemon(config, pino({ level: 'silent' }))
  url = `http://${daemon.http.host}:${daemon.http.port}`
  key = await exportedKey()
  news = ((await call('POST', '/v3/asm/groups', { name: 'News' })) as { id: number }).id
  sink = await openSink()
})
afterAll(async () => {
  await sink.close()
  await daemon.close()
  await database.drop()
})
beforeEach(() => {
  sink.mails.length = 0
})

describe('a mail goes out', () => {
  test('with a return path and header fields that say whom it went to', async () => {
    const email = person()
    const info = await transporter().sendMail(mailTo(`Anna <${email}>`))
    const [mail] = sink.mails as [Taken]
    expect(mail.rcptTo).toEqual([email])
    const [localPart = '', at] = mail.mailFrom.split('@')
    expect(at).toBe(domain)
    expect(await readReturnPath(localPart, domain, async () => key)).toMatchObject({
      messageReference: messageReferenceOf(info.messageId),
    })
    const reference = header(mail, 'X-Hearback-Ref')
    expect(await openSealed(reference[0] ?? '', async () => key)).toMatchObject({
      purpose: 'reference',
      recipient: email,
      groupId: null,
    })
    expect(header(mail, 'CFBL-Feedback-ID')).toEqual(reference)
    expect(header(mail, 'CFBL-Address')).toEqual([`fbl@${domain}; report=arf`])
    expect(header(mail, 'List-Unsubscribe-Post')).toEqual(['List-Unsubscribe=One-Click'])
    expect(header(mail, 'List-Unsubscribe')).toEqual([
      expect.stringMatching(
        new RegExp(`^<${url}/u/(hb1_[\\w-]+)>, <mailto:unsubscribe@${domain}\\?subject=\\1>$`),
      ),
    ])
    expect(header(mail, 'From')).toEqual(['Shop <news@shop.example>'])
  })

  test('to an address in quotes as well', async () => {
    await transporter().sendMail(mailTo('"a,b"@customer.example'))
    const [mail] = sink.mails as [Taken]
    const reference = header(mail, 'X-Hearback-Ref')[0] ?? ''
    expect(mail.rcptTo).toEqual(['"a,b"@customer.example'])
    expect((await openSealed(reference, async () => key))?.recipient).toBe(mail.rcptTo[0])
  })

  test('with what it says of itself, in place of what it brings', async () => {
    const mail: Mail = {
      ...mailTo(person()),
      envelope: { from: 'me@shop.example', to: 'ben@customer.example' },
      list: { unsubscribe: 'https://shop.example/leave' },
      headers: { 'x-hearback-ref': 'mine', 'X-Other': 'stays' },
      hearback: { groupId: news, groupsToDisplay: [news], messageId: '0123456789abcdef' },
    }
    await transporter({ groupId: null }).sendMail(mail)
    const [taken] = sink.mails as [Taken]
    expect(taken.rcptTo).toEqual(['ben@customer.example'])
    expect(taken.mailFrom).toMatch(/^b[a-z2-7]{53}@bounces\.shop\.example$/)
    expect(header(taken, 'List-Unsubscribe')).toHaveLength(1)
    expect(header(taken, 'X-Other')).toEqual(['stays'])
    const [reference = '', ...others] = header(taken, 'X-Hearback-Ref')
    expect(others).toEqual([])
    expect(await openSealed(reference, async () => key)).toMatchObject({
      recipient: 'ben@customer.example',
      groupId: news,
      groupsToDisplay: [news],
      messageReference: '0123456789abcdef',
    })
  })

  test('and its DKIM signature covers what RFC 8058 and RFC 9477 ask for', async () => {
    const { privateKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    })
    const dkim = { domainName: 'shop.example', keySelector: 'k', privateKey }
    await transporter().sendMail({ ...mailTo(person()), dkim })
    await transporter().sendMail({
      ...mailTo(person()),
      dkim: { ...dkim, headerFieldNames: 'From:Subject' },
    })
    const [covered, told] = sink.mails.map((mail) => {
      const signature = header(mail, 'DKIM-Signature')[0]?.replaceAll(' ', '') ?? ''
      return /;h=([^;]+);/.exec(signature)?.[1]?.toLowerCase().split(':')
    })
    expect(covered).toEqual(
      expect.arrayContaining([
        ...['from', 'subject', 'to', 'date', 'message-id', 'list-unsubscribe'],
        ...['list-unsubscribe-post', 'cfbl-address', 'cfbl-feedback-id', 'x-hearback-ref'],
      ]),
    )
    expect(told).toEqual(['from', 'subject'])
  })
})

describe('its feedback comes home', () => {
  test('a bounce to its return path: the next mail is not sent', async () => {
    const email = person()
    await transporter().sendMail(mailTo(email))
    const [mail] = sink.mails as [Taken]
    expect(await deliver(mail.mailFrom, bounceOf([{ to: email }]))).toBe(250)
    expect(await call('GET', `/v3/suppression/bounces/${email}`)).toMatchObject([
      { email, bounce_type: 'hard', status: '5.1.1' },
    ])
    await expect(transporter().sendMail(mailTo(email))).rejects.toMatchObject({
      code: 'EHEARBACKSUPPRESSED',
      name: 'SuppressedError',
      email,
      reason: 'suppressed_bounce',
      lists: [{ list: 'bounces', bounce_type: 'hard' }],
    })
    expect(sink.mails).toHaveLength(1)
  })

  test('a bounce that names somebody else: nobody is suppressed', async () => {
    const [email, victim] = [person(), person()]
    await transporter().sendMail(mailTo(email))
    const [mail] = sink.mails as [Taken]
    expect(await deliver(mail.mailFrom, bounceOf([{ to: victim }]))).toBe(250)
    await transporter().sendMail(mailTo(email))
    await transporter().sendMail(mailTo(victim))
    expect(sink.mails).toHaveLength(3)
  })

  test('a click on unsubscribe: mail of that group is not sent, other mail is', async () => {
    const email = person()
    await transporter({ groupId: news }).sendMail(mailTo(email))
    const [mail] = sink.mails as [Taken]
    const link = /<(http[^>]+)>/.exec(header(mail, 'List-Unsubscribe')[0] ?? '')?.[1] ?? ''
    const body = new URLSearchParams({ 'List-Unsubscribe': 'One-Click' })
    expect((await fetch(link, { method: 'POST', body })).status).toBe(200)
    await expect(transporter({ groupId: news }).sendMail(mailTo(email))).rejects.toMatchObject({
      code: 'EHEARBACKSUPPRESSED',
      reason: 'suppressed_group_unsubscribe',
    })
    await transporter().sendMail(mailTo(email))
    await transporter({ groupId: news, bypass: ['bypass_list_management'] }).sendMail(mailTo(email))
    const awaited: Mail = { ...mailTo(email), hearback: { bypass: ['bypass_list_management'] } }
    await transporter({ groupId: news }).sendMail(awaited)
    expect(sink.mails).toHaveLength(4)
  })
})

describe('a mail to several', () => {
  test('is refused, with a word about what to do', async () => {
    const [one, other] = [person(), person()]
    const mail = { ...mailTo([one, other]), bcc: 'zoe@customer.example' }
    await expect(transporter().sendMail(mail)).rejects.toMatchObject({
      code: 'EHEARBACKRECIPIENTS',
      message: expect.stringContaining('use sendEach'),
      recipients: [one, other, 'zoe@customer.example'],
    })
    await expect(transporter().sendMail({ from: 'a@shop.example' })).rejects.toMatchObject({
      code: 'EHEARBACKRECIPIENTS',
    })
    expect(sink.mails).toEqual([])
  })

  test('is sent by sendEach once to each, signed for each; who is suppressed gets none', async () => {
    const [one, other, left] = [person(), person(), person()]
    await call('POST', '/v3/asm/suppressions/global', { recipient_emails: [left] })
    const mail = { ...mailTo([one, left]), bcc: [other] }
    const sent = await sendEach(transporter(), mail)
    expect(sent).toMatchObject([
      { email: one, info: { accepted: [one] } },
      { email: left, error: { code: 'EHEARBACKSUPPRESSED', reason: 'suppressed_unsubscribe' } },
      { email: other, info: { accepted: [other] } },
    ])
    expect(sink.mails.map(({ rcptTo }) => rcptTo)).toEqual([[one], [other]])
    const [first, second] = sink.mails as [Taken, Taken]
    expect(first.mailFrom).not.toBe(second.mailFrom)
    for (const name of ['To', 'Message-ID', 'From']) {
      expect(header(first, name)).toEqual(header(second, name))
    }
    expect(header(first, 'Bcc')).toEqual([])
    for (const copy of sink.mails) {
      const reference = header(copy, 'X-Hearback-Ref')[0] ?? ''
      expect((await openSealed(reference, async () => key))?.recipient).toBe(copy.rcptTo[0])
    }
  })

  test('cannot come from a stream', async () => {
    const content = Readable.from(['text'])
    const attachments = [{ filename: 'a.txt', content }]
    for (const part of [{ text: content }, { attachments }]) {
      await expect(sendEach(transporter(), { ...mailTo(person()), ...part })).rejects.toThrow(
        'a stream cannot be sent to several recipients',
      )
    }
  })
})

describe('while hearback does not answer', () => {
  let silent: Server
  let broken: Server
  beforeAll(async () => {
    silent = await listening(createServer(() => undefined))
    broken = await listening(createServer((_, response) => response.writeHead(503).end()))
  })
  afterAll(() => {
    for (const server of [silent, broken]) server.close().closeAllConnections()
  })
  const places: [string, () => string][] = [
    ['nobody listens', () => 'http://127.0.0.1:1'],
    ['it says nothing', () => urlOf(silent)],
    ['it says 503', () => urlOf(broken)],
  ]

  test.each(places)('%s: mail is kept back', async (_, place) => {
    const check = { url: place(), apiKey, timeoutMs: 100 }
    await expect(transporter({ check }).sendMail(mailTo(person()))).rejects.toMatchObject({
      code: 'EHEARBACKCHECK',
      isOutage: true,
    })
    expect(sink.mails).toEqual([])
  })

  test.each(places)('%s: mail is sent, if so told', async (_, place) => {
    const check = { url: place(), apiKey, timeoutMs: 100, ifUnavailable: 'send' } as const
    await transporter({ check }).sendMail(mailTo(person()))
    expect(sink.mails).toHaveLength(1)
  })
})

describe('what is set wrong is never taken for an outage', () => {
  test.each([
    ['another key', { apiKey: 'not-a-key-of-hearback' }, {}, /answers 401/],
    ['an unknown group', {}, { groupId: 2_000_000_000 }, /answers 400/],
    ['another place', { url: () => `${url}/elsewhere` }, {}, /answers 404/],
  ])('%s', async (_, wrong, options, message) => {
    const place = 'url' in wrong ? wrong.url() : url
    const check = { apiKey, ifUnavailable: 'send' as const, ...wrong, url: place }
    await expect(
      transporter({ check, ...options }).sendMail(mailTo(person())),
    ).rejects.toMatchObject({ code: 'EHEARBACKCHECK', isOutage: false, message })
    expect(sink.mails).toEqual([])
  })

  test('something else answers there', async () => {
    const page = createServer((_, response) => response.end('<html>Welcome</html>'))
    const server = await listening(page)
    const check = { url: urlOf(server), apiKey, ifUnavailable: 'send' as const }
    await expect(transporter({ check }).sendMail(mailTo(person()))).rejects.toMatchObject({
      code: 'EHEARBACKCHECK',
      message: 'what answers the check is not hearback',
    })
    server.close().closeAllConnections()
  })

  test.each([
    [{ domain: 'no domain' }, 'domain: must be'],
    [{ publicUrl: 'feedback.example.com' }, 'publicUrl: must be'],
    [{ groupId: 0 }, 'groupId: must be'],
    [{ check: { url: 'nowhere', apiKey } }, 'Invalid URL'],
    [{ check: { url: 'http://127.0.0.1', apiKey: 'a\nkey' } }, 'invalid'],
  ])('the plugin does not start: %j', (options, message) => {
    expect(() => hearback({ ...signOnly(), ...options })).toThrow(message)
  })

  test('a mail from raw bytes has no place for header fields', async () => {
    const raw = 'Subject: x\r\n\r\nx'
    const mail = { envelope: { from: 'a@shop.example', to: person() }, raw }
    await expect(transporter().sendMail(mail)).rejects.toThrow('a raw mail takes no header fields')
    expect(sink.mails).toEqual([])
  })
})

function transporter(options: Partial<HearbackOptions> = {}) {
  const { host, port } = sink
  const transport = createTransport({ host, port, secure: false, ignoreTLS: true })
  const check = { url: `${url}/`, apiKey }
  return transport.use('stream', hearback({ ...signOnly(), check, ...options }))
}

function signOnly(): HearbackOptions {
  return { key, domain, publicUrl: url, check: null }
}

function mailTo(to: string | string[]): Mail {
  return { from: 'Shop <news@shop.example>', to, subject: 'News', text: 'There is news.' }
}

/** Somebody whom no other test writes to. */
function person(): string {
  return `anna${++people}@customer.example`
}

async function exportedKey(): Promise<SigningKey> {
  const [tenant] = await database.sql<{ tenant_id: number }[]>`select tenant_id from tenant`
  const exported = await exportSigningKey(database.sql, secret, Object.values(tenant ?? {})[0] ?? 0)
  return readSigningKey(`${exported?.text}\n`)
}

async function call(method: string, path: string, body?: object): Promise<unknown> {
  const response = await fetch(url + path, {
    method,
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  expect(response.ok).toBe(true)
  return response.json()
}

/** As the mail server of the recipient: a report to the return path. */
async function deliver(returnPath: string, data: string): Promise<number> {
  const client = await connectSmtp(daemon.smtp)
  await client.command('EHLO mx.customer.example')
  const { code } = await client.sendMessage({ mailFrom: '', rcptTo: [returnPath], data })
  await client.close()
  return code
}

async function listening(server: Server): Promise<Server> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}

/** Below a path: what is no hearback is not held to its OpenAPI document. */
function urlOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/elsewhere`
}
