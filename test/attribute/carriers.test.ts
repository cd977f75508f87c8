import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createAttribution, type Whose } from '../../src/attribute/attribute.ts'
import { findDestination } from '../../src/attribute/destination.ts'
import { signReturnPath } from '../../src/attribute/return-path-token.ts'
import { sealToken } from '../../src/attribute/sealed-token.ts'
import { tokenDay } from '../../src/attribute/token-day.ts'
import type { InboundDomain } from '../../src/feedback/inbound-domain.ts'
import { parseReport } from '../../src/parse/report.ts'
import { keyOf, keyringOf } from './keys.ts'

const now = new Date('2026-11-21T10:00:00Z')
const recipient = 'anna.example@provider.example'
const domain = 'bounces.acme.example'
const key = keyOf(7)
const keyring = keyringOf(key)
const claim = { domain, recipient, messageReference: null, day: tokenDay(now) }
const localPart = signReturnPath(key, claim)
const returnPath = `${localPart}@${domain}`

function seal(purpose: 'reference' | 'unsubscribe'): string {
  const content = { tenantId: 7, day: tokenDay(now), recipient, messageReference: null }
  return sealToken(key, { ...content, purpose, groupId: 12, groupsToDisplay: [12, 13] })
}

const reference = seal('reference')
const unsubscribe = seal('unsubscribe')

/** What became of one copy of a token on its way. Only the first ones can still be read. */
const sealedFates = {
  intact: (token: string) => token,
  refolded: (token: string) => token.replace(/.{25}/g, '$&\r\n\t'),
  gone: () => '[redacted]',
  'cut off': (token: string) => token.slice(0, -20),
  'in lower case': (token: string) => token.toLowerCase(),
  changed: (token: string) =>
    token.slice(0, 60) + (token[60] === 'A' ? 'B' : 'A') + token.slice(61),
}
const pathFates = {
  intact: (path: string) => path,
  'in upper case': (path: string) => path.toUpperCase(),
  gone: () => '[redacted]',
  'cut off': (path: string) => path.slice(5),
  'without its domain': (path: string) => path.replace(/@.*/, ''),
  changed: (path: string) => path.slice(0, 30) + (path[30] === 'a' ? 'b' : 'a') + path.slice(31),
}
const readable = ['intact', 'refolded', 'in upper case']

/** Fields of the returned mail. */
const sealedFields = {
  'X-Hearback-Ref': (token: string) => `X-Hearback-Ref: ${token}`,
  'CFBL-Feedback-ID': (token: string) => `CFBL-Feedback-ID: ${token}`,
  'Message-ID': (token: string) => `Message-ID: <${token}@acme.example>`,
  'List-Unsubscribe': (token: string) => `List-Unsubscribe: <https://f.acme.example/u/${token}>`,
  mailto: (token: string) => `List-Unsubscribe: <mailto:unsubscribe@${domain}?subject=${token}>`,
  References: (token: string) => `References: <1@acme.example>\r\n <${token}@acme.example>`,
}
const pathFields = {
  'Return-Path': (path: string) => `Return-Path: <${path}>`,
  'X-Envelope-From': (path: string) => `X-Envelope-From: ${path}`,
  'Received-SPF': (path: string) =>
    `Received-SPF: pass (mx.provider.example: domain of ${path}\r\n\tdesignates 192.0.2.1) envelope-from="${path}";`,
  'Authentication-Results': (path: string) =>
    `Authentication-Results: mx.provider.example; spf=pass smtp.mailfrom=${path}; dkim=none`,
  Received: (path: string) =>
    `Received: from a.example by mx.provider.example (envelope-from <${path}>); now`,
  SRS: (path: string) =>
    `X-Original-Return-Path: <SRS0=AbC1=9X=${path.split('@')[1] ?? ''}=${path.split('@')[0]}@forwarder.example>`,
}

type SealedCarrier = keyof typeof sealedFields | 'body'
type PathCarrier = keyof typeof pathFields | 'envelope' | 'To of the report' | 'report field'

type Mail = {
  kind: 'delivery-status' | 'feedback-report' | 'microsoft' | 'text'
  /** Of complaints: delivery status notifications always do. */
  isNamed: boolean
  returnedIn: '7bit' | 'base64' | 'quoted-printable'
  bodyIn: '7bit' | 'base64' | 'quoted-printable'
  sealed: Record<SealedCarrier, keyof typeof sealedFates>
  paths: Record<PathCarrier, keyof typeof pathFates>
}

const sealedCarriers = [...Object.keys(sealedFields), 'body'] as SealedCarrier[]
const pathCarriers = [
  ...Object.keys(pathFields),
  'envelope',
  'To of the report',
  'report field',
] as PathCarrier[]

function all<Name extends string, Fate>(names: readonly Name[], fate: Fate): Record<Name, Fate> {
  return Object.fromEntries(names.map((name) => [name, fate])) as Record<Name, Fate>
}

const lost: Mail = {
  kind: 'delivery-status',
  isNamed: true,
  returnedIn: '7bit',
  bodyIn: '7bit',
  sealed: all(sealedCarriers, 'gone'),
  paths: all(pathCarriers, 'gone'),
}

function encode(text: string, encoding: Mail['returnedIn']): string {
  if (encoding === 'base64') {
    return Buffer.from(text).toString('base64').replace(/.{76}/g, '$&\r\n')
  }
  if (encoding === '7bit') return text
  const escaped = text.replace(
    /[=_]/g,
    (sign) => `=${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  return escaped.replace(/[^\r\n]{70}(?!\r\n|$)/g, (line) =>
    /=[0-9A-F]?$/.test(line) ? line : `${line}=\r\n`,
  )
}

function fateOf(mail: Mail, carrier: SealedCarrier): string {
  const isOfLink = carrier === 'List-Unsubscribe' || carrier === 'mailto' || carrier === 'body'
  return sealedFates[mail.sealed[carrier]](isOfLink ? unsubscribe : reference)
}

function pathOf(mail: Mail, carrier: PathCarrier): string {
  return pathFates[mail.paths[carrier]](returnPath)
}

/** The mail that was sent, as it came back. */
function returnedMail(mail: Mail): string {
  const paths = Object.entries(pathFields).map(([name, field]) =>
    field(pathOf(mail, name as PathCarrier)),
  )
  const fields = Object.entries(sealedFields).map(([name, field]) =>
    field(fateOf(mail, name as SealedCarrier)),
  )
  const body = `Hello,\r\nhttps://f.acme.example/u/${fateOf(mail, 'body')} takes you off this list.\r\n`
  return [
    ...paths,
    ...(mail.kind === 'microsoft'
      ? [`X-HmXmrOriginalRecipient: ${mail.isNamed ? recipient : '[redacted]'}`]
      : []),
    'From: News <news@acme.example>',
    `To: ${mail.isNamed ? recipient : 'redacted@provider.example'}`,
    'Subject: News',
    ...fields,
    'Content-Type: text/plain',
    `Content-Transfer-Encoding: ${mail.bodyIn}`,
    '',
    encode(body, mail.bodyIn),
  ].join('\r\n')
}

function reportParts(mail: Mail): string[] {
  const field = pathOf(mail, 'report field')
  const returned = [
    'Content-Type: message/rfc822',
    `Content-Transfer-Encoding: ${mail.returnedIn}`,
    '',
    encode(returnedMail(mail), mail.returnedIn),
  ].join('\r\n')
  if (mail.kind === 'microsoft') return [returned]
  const status =
    mail.kind === 'delivery-status'
      ? [
          'Content-Type: message/delivery-status',
          '',
          'Reporting-MTA: dns; mx.provider.example',
          `X-Postfix-Sender: rfc822; ${field}`,
          '',
          `Final-Recipient: rfc822; ${recipient}`,
          'Action: failed',
          'Status: 5.1.1',
        ]
      : [
          'Content-Type: message/feedback-report',
          '',
          'Feedback-Type: abuse',
          `Original-Mail-From: <${field}>`,
          `Original-Rcpt-To: ${mail.isNamed ? recipient : '[redacted]'}`,
        ]
  return [status.join('\r\n'), returned]
}

function messageOf(mail: Mail): string {
  const to =
    mail.paths['To of the report'] === 'gone'
      ? `bounces@${domain}`
      : pathOf(mail, 'To of the report')
  if (mail.kind === 'text') {
    return [
      'Return-Path: <>',
      'From: MAILER-DAEMON@mx.provider.example',
      `To: ${to}`,
      'Subject: failure notice',
      '',
      'Hi. This is the qmail-send program at mx.provider.example.',
      "I'm afraid I wasn't able to deliver your message to the following addresses.",
      '',
      `<${recipient}>:`,
      '192.0.2.7 does not like recipient.',
      'Remote host said: 550 5.1.1 User unknown',
      '',
      '--- Below this line is a copy of the message.',
      '',
      returnedMail({ ...mail, bodyIn: '7bit' }),
    ].join('\r\n')
  }
  const type =
    mail.kind === 'microsoft' ? 'multipart/mixed' : `multipart/report; report-type=${mail.kind}`
  return [
    'From: reports@provider.example',
    `To: ${to}`,
    'Subject: A report',
    'MIME-Version: 1.0',
    `Content-Type: ${type}; boundary="b"`,
    '',
    ...reportParts(mail).flatMap((part) => ['--b', part]),
    '--b--',
    '',
  ].join('\r\n')
}

const inbound: InboundDomain = { domain, tenantId: 7, accepts: 'signed', roleAddresses: [] }

async function whoseIs(mail: Mail): Promise<Whose | 'refused'> {
  const fate = mail.paths.envelope
  const rcptTo = fate === 'gone' ? `bounces@${domain}` : pathOf(mail, 'envelope')
  const destination = await findDestination(keyring, async () => inbound, rcptTo)
  if (destination.result !== 'accepted') return 'refused'
  const raw = messageOf(mail)
  const report = parseReport(Buffer.from(raw, 'latin1'))
  if (report === null) throw new Error('not read')
  const verifySender = () => Promise.reject(new Error('asked'))
  const findDomain = async () => inbound
  return createAttribution({ keyring, verifySender, findDomain, now }, report)(destination)
}

/** Whether at least one copy came back that can still be read. */
function isAnyLeft({ kind, isNamed, sealed, paths }: Mail): boolean {
  const isNamedThere = isNamed || kind === 'delivery-status' || kind === 'text'
  const hasFields = kind === 'delivery-status' || kind === 'feedback-report'
  const carriers = pathCarriers.filter((name) => hasFields || name !== 'report field')
  const isSealedLeft = sealedCarriers.some((name) => readable.includes(sealed[name]))
  return isSealedLeft || (isNamedThere && carriers.some((name) => readable.includes(paths[name])))
}

const kinds = ['delivery-status', 'feedback-report', 'microsoft', 'text'] as const

describe.each(kinds)('of a %s', (kind) => {
  test.each(sealedCarriers)('a sealed token in %s is enough', async (carrier) => {
    const sealed = { ...lost.sealed, [carrier]: 'intact' as const }
    for (const fate of ['intact', 'refolded'] as const) {
      const mail = { ...lost, kind, sealed: { ...sealed, [carrier]: fate } }
      const whose = await whoseIs(mail)
      expect(whose, fate).toMatchObject({ result: 'attributed' })
    }
  })

  test.each(pathCarriers)('the return path in %s is enough where he is named', async (carrier) => {
    if (carrier === 'report field' && (kind === 'text' || kind === 'microsoft')) return
    for (const fate of ['intact', 'in upper case'] as const) {
      const mail = { ...lost, kind, paths: { ...lost.paths, [carrier]: fate } }
      const whose = await whoseIs(mail)
      expect(whose, fate).toMatchObject({ result: 'attributed' })
    }
  })

  test('without any of them nobody is touched', async () => {
    expect(await whoseIs({ ...lost, kind })).toEqual({ result: 'unattributed', reason: 'no-token' })
  })

  test('a copy in lower case is made up for by the return path', async () => {
    const sealed = all(sealedCarriers, 'in lower case' as const)
    const whose = await whoseIs({
      ...lost,
      kind,
      sealed,
      paths: { ...lost.paths, 'Return-Path': 'intact' },
    })
    expect(whose).toMatchObject({ findings: [{ attribution: { evidence: 'return-path-token' } }] })
  })
})

test('any report is attributed as long as one carrier is left, and always to the right one', async () => {
  const fate = fc.constantFrom(...(Object.keys(sealedFates) as (keyof typeof sealedFates)[]))
  const path = fc.constantFrom(...(Object.keys(pathFates) as (keyof typeof pathFates)[]))
  const encoding = fc.constantFrom('7bit', 'base64', 'quoted-printable')
  const mostly = <Fate>(value: fc.Arbitrary<Fate>, gone: Fate) =>
    fc.oneof({ weight: 6, arbitrary: fc.constant(gone) }, { weight: 4, arbitrary: value })
  const mails = fc.record({
    kind: fc.constantFrom(...kinds),
    isNamed: fc.boolean(),
    returnedIn: encoding,
    bodyIn: encoding,
    sealed: fc.record(all(sealedCarriers, mostly(fate, 'gone'))),
    paths: fc.record(all(pathCarriers, mostly(path, 'gone'))),
  }) as fc.Arbitrary<Mail>
  let attributed = 0
  await fc.assert(
    fc.asyncProperty(mails, async (mail) => {
      const whose = await whoseIs(mail)
      if (whose === 'refused') {
        expect(['changed', 'cut off', 'without its domain']).toContain(mail.paths.envelope)
        return
      }
      expect(whose.result === 'attributed').toBe(isAnyLeft(mail))
      if (whose.result !== 'attributed') return
      attributed++
      expect(whose.findings.map(({ attribution }) => attribution)).toMatchObject([
        { recipient, tenantId: 7, expired: false },
      ])
    }),
    { numRuns: 600 },
  )
  expect(attributed).toBeGreaterThan(100)
})
