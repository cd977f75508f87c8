import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createKeyring } from '../../src/attribute/keyring.ts'
import { signReturnPath } from '../../src/attribute/return-path-token.ts'
import { type SealedPurpose, sealToken } from '../../src/attribute/sealed-token.ts'
import type { SigningKey } from '../../src/attribute/signing-key.ts'
import { tokenDay } from '../../src/attribute/token-day.ts'
import { createDatabase, type Database } from '../../src/db/sql.ts'
import { loops, reportText, rsaKeys, signed } from '../attribute/signed-mail.ts'
import { hearback, type RunningDaemon, startDaemon } from '../support/daemon.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { type DnsServer, startDnsServer } from '../support/dns-server.ts'
import { apiKey, secret } from './api.ts'
import { abuseReport, deliveryStatus, send, unsubscribeMail } from './mail.ts'

// Who forges here knows everything but the keys: formats, addresses, and the tokens of the mail that
// he gets himself, from two tenants. He may suppress himself, and nobody else.

const signedDomain = 'bounces.shop-name.com'
const secondDomain = 'news.shop-name.com'
const verifiedDomain = 'fbl.shop-name.com'
const platformDomain = 'loops.platform-name.com'
const rivalDomain = 'bounces.rival-name.com'
const forger = 'forger@forger.example'
const victim = 'victim@customer.example'
const d = 'arf.provider.example'
const provider = rsaKeys()

let database: TestDatabase
let db: Database
let dns: DnsServer
let daemon: RunningDaemon
let folder: string
let shop: SigningKey
let rival: SigningKey

beforeAll(async () => {
  database = await createTestDatabase({ migrated: false })
  dns = await startDnsServer()
  dns.records.set(`s1._domainkey.${d}`, [provider.record])
  folder = mkdtempSync(join(tmpdir(), 'hearback-forger-'))
  const loopsFile = join(folder, 'loops.json')
  writeFileSync(loopsFile, JSON.stringify({ about: 'of the tests', senders: loops }))
  const env = {
    DATABASE_URL: database.url,
    HEARBACK_SECRET: secret,
    HEARBACK_BOOTSTRAP_TENANT: 'shop',
    HEARBACK_BOOTSTRAP_API_KEY: apiKey,
    HEARBACK_BOOTSTRAP_DOMAIN: signedDomain,
    HEARBACK_FEEDBACK_LOOPS: loopsFile,
    HEARBACK_DNS_SERVERS: dns.address,
  }
  daemon = await startDaemon(env)
  const command = async (...args: string[]): Promise<void> => {
    const { code, stderr } = await hearback(args, { env })
    if (code !== 0) throw new Error(stderr)
  }
  await command('tenant', 'add', 'rival')
  await command('domain', 'add', secondDomain, '--tenant', 'shop')
  await command('domain', 'add', verifiedDomain, '--tenant', 'shop', '--accept', 'verified')
  await command('domain', 'add', platformDomain, '--platform')
  await command('domain', 'add', rivalDomain, '--tenant', 'rival')
  db = createDatabase(database.target)
  shop = await keyOf('shop')
  rival = await keyOf('rival')
})

afterAll(async () => {
  await daemon?.stop()
  await db?.close()
  await dns?.close()
  await database?.drop()
  rmSync(folder, { recursive: true })
})

async function keyOf(tenant: string): Promise<SigningKey> {
  const [row] = await database.sql`select tenant_id from tenant where name = ${tenant}`
  const key = await createKeyring(db, secret).newest(row?.['tenantId'])
  if (key === null) throw new Error('no key')
  return key
}

type Claim = { key?: SigningKey; domain?: string; recipient?: string; day?: number }
const today = tokenDay(new Date())

/** As the mail of `key` carries it that `recipient` got. */
function returnPath({
  key = shop,
  domain = signedDomain,
  recipient = forger,
  day = today,
}: Claim = {}) {
  return `${signReturnPath(key, { domain, recipient, messageReference: null, day })}@${domain}`
}

function seal(
  { key = shop, recipient = forger, day = today }: Claim = {},
  purpose: SealedPurpose = 'reference',
): string {
  const content = { tenantId: key.tenantId, day, recipient, messageReference: null, groupId: null }
  return sealToken(key, { ...content, purpose, groupsToDisplay: [] })
}

/** Everybody on any list of any tenant who is not the forger. */
async function harmed(): Promise<string[]> {
  const rows = await database.sql<{ address: string }[]>`
    select address from suppression where address <> ${forger}`
  return rows.map(({ address }) => address)
}

async function listsOfForger(): Promise<string[]> {
  const rows = await database.sql<{ list: string }[]>`
    select list from suppression where address = ${forger} and tenant_id = ${shop.tenantId}`
  return rows.map(({ list }) => list).sort()
}

const clear = () => database.sql`delete from suppression`

type Attack = {
  rcptTo?: string | readonly string[]
  data: string
  mailFrom?: string
  /** 250 when it is not said. */
  code?: number
}

const lines = (...texts: string[]) => texts.map((text) => `${text}\r\n`).join('')
const bounces = `bounces@${signedDomain}`
const about = (address: string, returned = '') => deliveryStatus([{ address }], { returned })
const complaint = (recipient: string, returned: string) =>
  abuseReport(recipient).replace('Subject: This month', `${returned}\r\nSubject: This month`)
const withField = (message: string, field: string) => `${field}\r\n${message}`
const genuine = (message: string) => signed(message, provider, { d })
const ofType = (type: string, recipient: string) =>
  complaint(recipient, `X-Hearback-Ref: ${seal({ recipient })}`).replace(
    'Type: abuse',
    `Type: ${type}`,
  )
const asProvider = (message: string, to: string) =>
  message.replace(/^From:.*\r\nTo:.*\r\n/, `From: fbl@${d}\r\nTo: ${to}\r\n`)

/** As the Junk Mail Reporting Program writes it: no report part, but the mail itself. */
function microsoftReport(to: string): string {
  return lines(
    'From: staff@hotmail.com',
    `To: ${to}`,
    'Subject: complaint about message from 192.0.2.1',
    'MIME-Version: 1.0',
    'Content-Type: multipart/mixed; boundary="=_m"',
    '',
    '--=_m',
    'Content-Type: message/rfc822',
    '',
    `X-HmXmrOriginalRecipient: <${victim}>`,
    'From: News <news@shop-name.com>',
    `To: <${victim}>`,
    'Subject: This month',
    '',
    'text',
    '--=_m--',
  )
}

const attacks: Record<string, () => Attack> = {
  'a bounce of the victim to his own return path': () => ({
    rcptTo: returnPath(),
    data: about(victim),
  }),
  'a bounce of the victim to his own return path in capitals': () => ({
    rcptTo: returnPath().toUpperCase(),
    data: about(victim),
  }),
  'a genuine, signed bounce about mail that nobody sent': () => ({
    rcptTo: bounces,
    data: genuine(asProvider(about(victim), bounces)),
  }),
  'the same where known feedback loops are believed': () => ({
    rcptTo: `bounces@${verifiedDomain}`,
    data: genuine(asProvider(about(victim), `bounces@${verifiedDomain}`)),
  }),
  'himself as the original recipient, the victim as the final one': () => ({
    rcptTo: returnPath(),
    data: about(victim).replace(
      'Final-Recipient:',
      `Original-Recipient: rfc822; ${forger}\r\nFinal-Recipient:`,
    ),
  }),
  'the victim and himself, both failed': () => ({
    rcptTo: returnPath(),
    data: deliveryStatus([{ address: victim }, { address: forger }]),
  }),
  'himself only late, the victim failed': () => ({
    rcptTo: returnPath(),
    data: deliveryStatus([
      { address: forger, action: 'delayed', status: '4.4.1' },
      { address: victim },
    ]),
  }),
  'five thousand victims to his own return path': () => ({
    rcptTo: returnPath(),
    data: deliveryStatus(
      Array.from({ length: 4_999 }, (_, n) => ({ address: `victim${n}@customer.example` })),
    ),
  }),
  'a bounce of the victim that quotes a token of his own': () => ({
    rcptTo: bounces,
    data: about(victim).replace(
      'This is the mail system',
      `See https://f.shop-name.com/u/${seal({}, 'unsubscribe')} from the mail system`,
    ),
  }),
  'a bounce of two victims with a token of his own in the returned header': () => ({
    rcptTo: bounces,
    data: deliveryStatus([{ address: victim }, { address: `2${victim}` }], {
      returned: `X-Hearback-Ref: ${seal()}`,
    }),
  }),
  'a bounce with his own return path in the returned header': () => ({
    rcptTo: bounces,
    data: about(victim, `Return-Path: <${returnPath()}>`),
  }),
  'a bounce with a token of his own in its subject': () => ({
    rcptTo: bounces,
    data: about(victim).replace(/^Subject:.*$/m, `Subject: Undelivered Mail ${seal()}`),
  }),
  'a complaint of the victim about a mail with his own token': () => ({
    rcptTo: `fbl@${signedDomain}`,
    data: complaint(victim, `X-Hearback-Ref: ${seal()}`),
  }),
  'a complaint of both about it': () => ({
    rcptTo: `fbl@${signedDomain}`,
    data: complaint(`${forger}>, <${victim}`, `CFBL-Feedback-ID: ${seal()}`),
  }),
  'a complaint of the victim to his own return path': () => ({
    rcptTo: returnPath(),
    data: abuseReport(victim),
  }),
  'a complaint without any token': () => ({
    rcptTo: `fbl@${signedDomain}`,
    data: abuseReport(victim),
  }),
  'an opt-out of the victim with his own token': () => ({
    rcptTo: `fbl@${signedDomain}`,
    data: complaint(victim, `X-Hearback-Ref: ${seal()}`).replace('Type: abuse', 'Type: opt-out'),
  }),
  'tokens that he has made up': () => ({
    rcptTo: `fbl@${signedDomain}`,
    data: complaint(
      victim,
      Array.from(
        { length: 20 },
        () => `X-Hearback-Ref: hb1_${randomBytes(70).toString('base64url')}`,
      ).join('\r\n'),
    ),
  }),
  'a sealed token with one bit changed': () => ({
    rcptTo: `fbl@${signedDomain}`,
    data: complaint(
      victim,
      `X-Hearback-Ref: ${seal().slice(0, -1)}${seal().endsWith('A') ? 'B' : 'A'}`,
    ),
  }),
  'the ends of two tokens of his own, exchanged': () => ({
    rcptTo: `fbl@${signedDomain}`,
    data: complaint(
      victim,
      `X-Hearback-Ref: ${seal().slice(0, 60)}${seal({ recipient: 'other@forger.example' }).slice(60)}`,
    ),
  }),
  'a guessed return path': () => ({
    rcptTo: `b${'a'.repeat(40)}@${signedDomain}`,
    data: about(victim),
    code: 550,
  }),
  'his own return path with one letter changed': () => ({
    rcptTo: returnPath().replace(/^(.{20})./, (_, head: string) => `${head}z`),
    data: about(victim),
    code: 550,
  }),
  'his own return path at another domain of the same tenant': () => ({
    rcptTo: returnPath().replace(signedDomain, secondDomain),
    data: about(victim),
    code: 550,
  }),
  'his own return path at the domain of another tenant': () => ({
    rcptTo: returnPath().replace(signedDomain, rivalDomain),
    data: about(victim),
    code: 550,
  }),
  'a return path that another tenant signed for this domain': () => ({
    rcptTo: returnPath({ key: rival, domain: signedDomain, recipient: victim }),
    data: about(victim),
    code: 550,
  }),
  'a token for the victim that another tenant has sealed': () => ({
    rcptTo: `fbl@${signedDomain}`,
    data: complaint(victim, `X-Hearback-Ref: ${seal({ key: rival, recipient: victim })}`),
  }),
  'a token of another tenant beside one of his own': () => ({
    rcptTo: `fbl@${signedDomain}`,
    data: complaint(
      victim,
      `X-Hearback-Ref: ${seal({ key: rival, recipient: victim })}\r\nCFBL-Feedback-ID: ${seal()}`,
    ),
  }),
  'his own tokens of two tenants at a mailbox of the platform': () => ({
    rcptTo: `fbl@${platformDomain}`,
    data: complaint(
      victim,
      `X-Hearback-Ref: ${seal({ key: rival })}\r\nCFBL-Feedback-ID: ${seal()}`,
    ),
  }),
  'no token at a mailbox of the platform': () => ({
    rcptTo: `fbl@${platformDomain}`,
    data: abuseReport(victim),
  }),
  'a hundred addresses of two tenants': () => ({
    rcptTo: Array.from({ length: 100 }, (_, n) =>
      n % 2 === 0
        ? returnPath({ day: today - (n % 30) })
        : returnPath({ key: rival, domain: rivalDomain, day: today - (n % 30) }),
    ),
    data: deliveryStatus([{ address: victim }, { address: `2${victim}` }]),
  }),
  'a return path of the victim that has lapsed': () => ({
    rcptTo: returnPath({ recipient: victim, day: today - 40 }),
    data: about(victim),
  }),
  'a return path of the victim from the future': () => ({
    rcptTo: returnPath({ recipient: victim, day: today + 9 }),
    data: about(victim),
  }),
  'a complaint about a mail of the victim that has lapsed': () => ({
    rcptTo: `fbl@${signedDomain}`,
    data: complaint(victim, `X-Hearback-Ref: ${seal({ recipient: victim, day: today - 190 })}`),
  }),
  'a report within a report': () => ({
    rcptTo: returnPath(),
    data: lines(
      'From: MAILER-DAEMON@mta.example.net',
      'Subject: Undelivered Mail Returned to Sender',
      'MIME-Version: 1.0',
      'Content-Type: multipart/mixed; boundary="outer"',
      '',
      '--outer',
      'Content-Type: text/plain',
      '',
      `<${forger}>: 550 5.1.1 User unknown`,
      '--outer',
      'Content-Type: message/rfc822',
      '',
      about(victim),
      '--outer--',
    ),
  }),
  'two status parts, himself in the first': () => ({
    rcptTo: returnPath(),
    data: about(forger).replace(
      '--=_b\r\nContent-Type: text/rfc822-headers',
      `--=_b\r\nContent-Type: message/delivery-status\r\n\r\nFinal-Recipient: rfc822; ${victim}\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--=_b\r\nContent-Type: text/rfc822-headers`,
    ),
  }),
  'two types, each with parts of its own': () => ({
    rcptTo: returnPath(),
    data: withField(
      about(forger).replace(
        '--=_b--',
        `--=_c\r\nContent-Type: message/delivery-status\r\n\r\nFinal-Recipient: rfc822; ${victim}\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--=_c--`,
      ),
      'Content-Type: multipart/report; report-type=delivery-status; boundary*0="=_"; boundary*1="c"',
    ),
  }),
  'the victim in a comment behind his own address': () => ({
    rcptTo: returnPath(),
    data: about(`${forger} (${victim})`),
  }),
  'his own address in a comment behind the victim': () => ({
    rcptTo: returnPath(),
    data: about(`${victim} (${forger})`),
  }),
  'his own address as the name of the victim': () => ({
    rcptTo: returnPath(),
    data: about(`"${forger}" <${victim}>`),
  }),
  'both addresses in one field': () => ({
    rcptTo: returnPath(),
    data: about(`${forger}, ${victim}`),
  }),
  'his own address with the victim as its local part': () => ({
    rcptTo: returnPath(),
    data: about(`"${victim}"@forger.example`),
  }),
  'encoded words for an address': () => ({
    rcptTo: returnPath(),
    data: about(`=?utf-8?B?${Buffer.from(victim).toString('base64')}?=`),
  }),
  'the victim in X-Failed-Recipients': () => ({
    rcptTo: returnPath(),
    data: lines(
      'From: Mail Delivery System <Mailer-Daemon@mta.example.net>',
      `X-Failed-Recipients: ${victim}`,
      'Subject: Mail delivery failed: returning message to sender',
      '',
      'A message that you sent could not be delivered to one or more of its recipients.',
      '',
      `  ${victim}`,
      '    host mx.customer.example [192.0.2.9]: 550 5.1.1 User unknown',
    ),
  }),
  'a bounce that only people can read': () => ({
    rcptTo: bounces,
    data: lines(
      'From: MAILER-DAEMON@mta.example.net',
      'Subject: failure notice',
      '',
      'Hi. This is the qmail-send program at mta.example.net.',
      '',
      `<${victim}>:`,
      '550 5.1.1 User unknown',
      '',
      '--- Below this line is a copy of the message.',
      '',
      `Return-Path: <${returnPath()}>`,
      `To: ${victim}`,
      `X-Hearback-Ref: ${seal()}`,
    ),
  }),
  'a bounce of HTML alone': () => ({
    rcptTo: returnPath(),
    data: lines(
      'From: postmaster@mta.example.net',
      'Subject: Undeliverable: This month',
      'Content-Type: text/html',
      '',
      `<html><body><p>Your message to ${victim} could not be delivered.</p><p>550 5.1.1 User unknown</p></body></html>`,
    ),
  }),
  'a person who forwards a bounce': () => ({
    rcptTo: returnPath(),
    mailFrom: forger,
    data: withField(about(victim), 'Resent-From: <forger@forger.example>').replace(
      /^Subject:.*$/m,
      'Subject: Fwd: Undelivered Mail Returned to Sender',
    ),
  }),
  'an unsubscribe that says it is from the victim': () => ({
    rcptTo: `unsubscribe@${signedDomain}`,
    mailFrom: victim,
    data: unsubscribeMail(victim, 'unsubscribe'),
  }),
  'an unsubscribe from the victim with a token of his own': () => ({
    rcptTo: `unsubscribe@${signedDomain}`,
    mailFrom: victim,
    data: withField(
      unsubscribeMail(victim, seal({}, 'unsubscribe')),
      `Reply-To: ${victim}\r\nSender: ${victim}\r\nResent-From: ${victim}\r\nX-Original-To: ${victim}`,
    ),
  }),
  'an unsubscribe from the victim to his own return path': () => ({
    rcptTo: returnPath(),
    mailFrom: victim,
    data: unsubscribeMail(victim, 'unsubscribe'),
  }),
  'an unsubscribe from the victim to a return path of the victim that he guessed': () => ({
    rcptTo: `b${randomBytes(40)
      .toString('hex')
      .replace(/[^2-7a-f]/g, 'a')
      .slice(0, 53)}@${signedDomain}`,
    mailFrom: victim,
    data: unsubscribeMail(victim, 'unsubscribe'),
    code: 550,
  }),
  'an unsubscribe with tokens of the victim that were not made for it': () => ({
    rcptTo: `unsubscribe@${signedDomain}`,
    mailFrom: victim,
    data: unsubscribeMail(
      victim,
      `${seal({ recipient: victim })} ${seal({ recipient: victim }, 'preferences')}`,
    ),
  }),
  'an unsubscribe with the token of the victim from nobody': () => ({
    rcptTo: `unsubscribe@${signedDomain}`,
    data: unsubscribeMail(victim, seal({ recipient: victim }, 'unsubscribe')),
  }),
  'a report that it was no spam, with a token of the victim': () => ({
    rcptTo: `fbl@${signedDomain}`,
    data: ofType('not-spam', victim),
  }),
  'a report about authentication with a token of the victim': () => ({
    rcptTo: `fbl@${signedDomain}`,
    data: ofType('auth-failure', victim),
  }),
  'a report in the format of Microsoft, unsigned': () => ({
    rcptTo: `fbl@${signedDomain}`,
    data: microsoftReport(`fbl@${signedDomain}`),
  }),
  'the same where known feedback loops are believed without a token': () => ({
    rcptTo: `fbl@${verifiedDomain}`,
    data: microsoftReport(`fbl@${verifiedDomain}`),
  }),
  'a complaint that another domain signed': () => ({
    rcptTo: `fbl@${verifiedDomain}`,
    data: signed(reportText({ to: `fbl@${verifiedDomain}`, recipient: victim }), provider, {
      d: 'forger.example',
    }),
  }),
  'a complaint signed with a key of his own': () => ({
    rcptTo: `fbl@${verifiedDomain}`,
    data: signed(reportText({ to: `fbl@${verifiedDomain}`, recipient: victim }), rsaKeys(), { d }),
  }),
  'a genuine complaint that a provider sent to him': () => ({
    rcptTo: `fbl@${verifiedDomain}`,
    data: genuine(reportText({ to: 'fbl@forger.example', recipient: victim })),
  }),
  'a genuine complaint of his own with other parts in front': () => ({
    rcptTo: `fbl@${verifiedDomain}`,
    data: withField(
      genuine(
        reportText({
          to: `fbl@${verifiedDomain}`,
          recipient: forger,
          returned: `From: a@b.example\r\n\r\n--evil\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nOriginal-Rcpt-To: ${victim}\r\n\r\n--evil--`,
        }),
      ),
      'Content-Type: multipart/report; report-type=feedback-report; boundary="evil"',
    ),
  }),
  'a genuine complaint of his own about a mail whose To he wrote': () => ({
    rcptTo: `fbl@${verifiedDomain}`,
    data: genuine(
      reportText({
        to: `fbl@${verifiedDomain}`,
        recipient: null,
        returned: `DKIM-Signature: v=1; d=shop-name.com; h=From:Subject; b=x\r\nFrom: news@shop-name.com\r\nTo: ${victim}`,
      }),
    ),
  }),
  'a genuine complaint with a signature over its head alone': () => ({
    rcptTo: `fbl@${verifiedDomain}`,
    data: `${signed(reportText({ to: `fbl@${verifiedDomain}`, recipient: victim }), provider, { d, l: '10' })}`,
  }),
  'a complaint as Amazon notifies of it': () => ({
    rcptTo: `fbl@${verifiedDomain}`,
    data: genuine(
      lines(
        `From: fbl@${d}`,
        `To: fbl@${verifiedDomain}`,
        'x-amz-sns-message-id: 1',
        'Subject: AWS Notification Message',
        'Content-Type: text/plain',
        '',
        JSON.stringify({
          notificationType: 'Complaint',
          complaint: { complainedRecipients: [{ emailAddress: victim }] },
        }),
      ),
    ),
  }),
}

describe('who knows everything but the key suppresses nobody but himself', () => {
  test('there are attacks enough', () => {
    expect(Object.keys(attacks).length).toBeGreaterThanOrEqual(50)
  })

  test.each(Object.entries(attacks))('with %s', async (_, attack) => {
    const { rcptTo = bounces, data, mailFrom = '', code = 250 } = attack()
    const reply = await send(daemon, rcptTo, data, mailFrom)
    expect({ code: reply.code, text: reply.text }).toMatchObject({ code })
    if (code === 550) expect(reply.text).toBe('550 5.1.1 No such mailbox here')
    expect(await harmed()).toEqual([])
  })

  test.each([
    ['his own return path', () => returnPath().split('@')[0] ?? ''],
    ['a reference of his own', () => seal()],
    ['a token for preferences', () => seal({}, 'preferences')],
    ['a token of the other tenant, changed', () => `${seal({ key: rival }, 'unsubscribe')}A`],
    ['garbage', () => 'garbage'],
  ])('with %s at the link to unsubscribe', async (_, token) => {
    await clear()
    const url = `http://${daemon.http.host}:${daemon.http.port}/u/${token()}`
    const body = new URLSearchParams({ 'List-Unsubscribe': 'One-Click' })
    expect((await fetch(url, { method: 'POST', body })).status).toBe(404)
    expect(await listsOfForger()).toEqual([])
  })
})

describe('and brings nobody back who has left', () => {
  const page = (path: string, fields: Record<string, string> = {}) => {
    const url = `http://${daemon.http.host}:${daemon.http.port}${path}`
    return fetch(url, { method: 'POST', body: new URLSearchParams(fields) })
  }
  const own = (purpose: SealedPurpose) => seal({}, purpose)
  const ofVictim = (purpose: SealedPurpose) => seal({ recipient: victim }, purpose)
  const clickIn = (text: string) => /name="click" value="([^"]+)"/.exec(text)?.[1] ?? ''

  /** Leaves on the page, and gives away what would undo it. */
  async function leave(): Promise<string> {
    await clear()
    const reply = await page(`/u/${ofVictim('unsubscribe')}`, { confirm: 'yes' })
    expect(await harmed()).toEqual([victim])
    return clickIn(await reply.text())
  }

  test.each([
    ['the link to unsubscribe', () => `/u/${own('unsubscribe')}`],
    ['the page of preferences', () => `/p/${own('preferences')}`],
    ['either', () => `/t/u/${own('preferences')}`],
    [
      'a link of the other tenant',
      () => `/p/${seal({ key: rival, recipient: victim }, 'preferences')}`,
    ],
  ])('with the click of the victim and a token of his own: %s', async (_, path) => {
    const click = await leave()
    expect(click).not.toBe('')
    expect((await page(path(), { action: 'undo', click })).status).toBe(200)
    expect(await harmed()).toEqual([victim])
  })

  test('with an opt-in under a token of his own', async () => {
    await leave()
    const fields = { action: 'resubscribe_all', email: victim, recipient: victim, token: victim }
    expect((await page(`/p/${own('preferences')}`, fields)).status).toBe(200)
    expect(await harmed()).toEqual([victim])
  })

  test('with the List-Unsubscribe of an old mail to the victim', async () => {
    await clear()
    const token = seal({ recipient: victim, day: today - 900 }, 'unsubscribe')
    await page(`/u/${token}`, { 'List-Unsubscribe': 'One-Click' })
    for (const path of [`/u/${token}`, `/t/u/${token}`]) {
      const pages = [
        await fetch(`http://${daemon.http.host}:${daemon.http.port}${path}`),
        await page(path, { confirm: 'yes' }),
        await page(path, { action: 'unsubscribe_all' }),
      ]
      for (const reply of pages) expect(await reply.text()).not.toMatch(/hb1_|name="click"/)
      for (const action of ['resubscribe_all', 'resubscribe_group', 'save']) {
        const reply = await page(path, { action, group_id: '1', shown: '1', group: '1' })
        expect(reply.status).toBe(404)
      }
    }
    expect((await page(`/p/${token}`, { action: 'resubscribe_all' })).status).toBe(404)
    expect(await harmed()).toEqual([victim])
  })

  test('with a reference to a mail of the victim, or a report that it was no spam', async () => {
    await leave()
    await send(daemon, `fbl@${signedDomain}`, ofType('not-spam', victim))
    for (const door of ['u', 'p', 't/u']) {
      const reply = await page(`/${door}/${ofVictim('reference')}`, { action: 'resubscribe_all' })
      expect(reply.status).toBe(404)
    }
    expect(await harmed()).toEqual([victim])
  })
})

describe('and what is true is believed all the same', () => {
  test('a bounce, a complaint and an unsubscribe of his own', async () => {
    await clear()
    // Of another day than those above, which are used up.
    const day = today - 7
    await send(daemon, returnPath({ day }), about(forger))
    const returned = `X-Hearback-Ref: ${seal({ day })}`
    await send(daemon, `fbl@${signedDomain}`, complaint('redacted', returned))
    const token = seal({ day }, 'unsubscribe')
    await send(daemon, `unsubscribe@${signedDomain}`, unsubscribeMail(forger, token), forger)
    expect(await listsOfForger()).toEqual(['bounces', 'global_unsubscribes', 'spam_reports'])
  })

  test('a complaint that a known provider signed', async () => {
    await clear()
    const recipient = 'complainer@provider.example'
    const message = genuine(reportText({ to: `fbl@${verifiedDomain}`, recipient }))
    expect(await send(daemon, `fbl@${verifiedDomain}`, message)).toMatchObject({ code: 250 })
    expect(await harmed()).toEqual([recipient])
    const [row] = await database.sql`select evidence from feedback where recipient = ${recipient}`
    expect(row).toEqual({ evidence: 'verified-sender' })
  })

  test('the same, when DNS does not answer, is kept and taken', async () => {
    await clear()
    dns.silent.add(`down._domainkey.${d}`)
    const recipient = 'later@provider.example'
    const message = signed(reportText({ to: `fbl@${verifiedDomain}`, recipient }), provider, {
      d,
      s: 'down',
    })
    expect(await send(daemon, `fbl@${verifiedDomain}`, message)).toMatchObject({ code: 250 })
    const kept = await database.sql`
      select 1 from received_message as m join raw_message as r using (tenant_id, mail_id)
      where m.outcome = 'unattributed' and m.outcome_reason = 'dkim-undecided'`
    expect(kept).toHaveLength(1)
  })

  test('a bounce from two servers at once, and junk with its Message-ID before: one event', async () => {
    await clear()
    const report = about(forger)
    const [messageId = ''] = /^Message-ID:.*$/m.exec(report) ?? []
    const rcptTo = returnPath({ day: today - 1 })
    await send(daemon, rcptTo, lines(messageId.trim(), 'Subject: hi', '', 'hi'))
    const replies = await Promise.all([
      send(daemon, rcptTo, `Received: from a.example by b.example; 1\r\n${report}`),
      send(daemon, rcptTo, `Received: from c.example by b.example; 2\r\n${report}`),
    ])
    expect(replies.map(({ code }) => code)).toEqual([250, 250])
    const events = await database.sql`
      select 1 from feedback where recipient = ${forger} and token_day = ${today - 1}`
    expect(events).toHaveLength(1)
    expect(await listsOfForger()).toEqual(['bounces'])
  })

  test('an old report that is sent again after he was taken off the list changes nothing', async () => {
    await clear()
    const rcptTo = returnPath({ day: today - 2 })
    await send(daemon, rcptTo, about(forger))
    expect(await listsOfForger()).toEqual(['bounces'])
    const url = `http://${daemon.http.host}:${daemon.http.port}/v3/suppression/bounces/${forger}`
    const headers = { authorization: `Bearer ${apiKey}` }
    expect((await fetch(url, { method: 'DELETE', headers })).status).toBe(204)
    expect(await send(daemon, rcptTo, about(forger))).toMatchObject({ code: 250 })
    expect(await listsOfForger()).toEqual([])
  })

  test('a report with a token that has lapsed is recorded and changes nothing', async () => {
    await clear()
    await send(daemon, returnPath({ day: today - 40 }), about(forger))
    expect(await listsOfForger()).toEqual([])
    const kept = await database.sql`
      select 1 from feedback where recipient = ${forger} and token_day = ${today - 40} and token_expired`
    expect(kept.length).toBeGreaterThanOrEqual(1)
  })
})

test('a hundred guesses at return paths are all refused', async () => {
  await clear()
  const alphabet = 'abcdefghijklmnopqrstuvwxyz234567'
  const guesses = Array.from({ length: 100 }, () => {
    const random = [...randomBytes(40)].map((byte) => alphabet[byte & 31]).join('')
    return `b${random}@${signedDomain}`
  })
  const replies = await Promise.all(guesses.map((rcptTo) => send(daemon, rcptTo, about(victim))))
  expect(new Set(replies.map(({ text }) => text))).toEqual(
    new Set(['550 5.1.1 No such mailbox here']),
  )
  const metrics = await fetch(`http://${daemon.admin.host}:${daemon.admin.port}/metrics`)
  const counted = /^hearback_forged_return_paths_total (\d+)$/m.exec(await metrics.text())?.[1]
  expect(Number(counted)).toBeGreaterThanOrEqual(100)
  await daemon.said('stderr', /"remoteAddress":"127\.0\.0\.1","msg":"return path is not ours"/)
})

test('a thousand bounces of his own do not hold back those of others', async () => {
  await clear()
  // Old enough that what is usual is known.
  await database.sql`
    insert into feedback (tenant_id, feedback_id, kind, recipient, reported_at, origin)
    values (${shop.tenantId}, '00000000-0000-7000-8000-000000000000', 'bounce',
      'first@customer.example', now() - interval '30 days', 'report')`
  const fromGoogle = (address: string) => about(address).replace('mx.example.net', 'mx.google.com')
  const rcptTo = returnPath({ day: today - 3 })
  for (let sent = 0; sent < 1_050; sent += 50) {
    const reports = Array.from({ length: 50 }, () => send(daemon, rcptTo, fromGoogle(forger)))
    for (const { code } of await Promise.all(reports)) expect(code).toBe(250)
  }
  const customers = Array.from({ length: 20 }, (_, n) => `customer${n}@gmail.com`)
  for (const recipient of customers) {
    await send(daemon, returnPath({ recipient }), fromGoogle(recipient))
  }
  expect((await harmed()).sort()).toEqual([...customers].sort())
  const held = await database.sql`select 1 from feedback where withdrawn_by = 'storm'`
  expect(held).toHaveLength(0)
})
