import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ResolveTxt } from '../../src/attribute/dkim-resolver.ts'
import { dkimThreadDefaults } from '../../src/attribute/dkim-thread.ts'
import { createFeedOf } from '../../src/attribute/feedback-loops.ts'
import { signReturnPath } from '../../src/attribute/return-path-token.ts'
import { sealToken } from '../../src/attribute/sealed-token.ts'
import type { SigningKey } from '../../src/attribute/signing-key.ts'
import { tokenDay } from '../../src/attribute/token-day.ts'
import { createSenderVerifier, type SenderVerifier } from '../../src/attribute/verified-sender.ts'
import type { Outcome } from '../../src/feedback/feedback.ts'
import { createMetrics } from '../../src/metrics.ts'
import type { Pipeline } from '../../src/pipeline.ts'
import { loops, type Report, reportText, rsaKeys, signed, zone } from '../attribute/signed-mail.ts'
import { bounceOf, createTestPipeline, type TestPipeline } from '../support/pipeline.ts'

const now = new Date('2026-11-21T10:00:00Z')
const keys = rsaKeys()
const d = 'arf.provider.example'
const fbl = 'fbl@verified.example.com'
const records = {
  's1._domainkey.arf.provider.example': [keys.record],
  'down._domainkey.arf.provider.example': 'failed',
} as const

let t: TestPipeline
let senders: SenderVerifier
let pipeline: Pipeline
let acme: { tenantId: number; key: SigningKey }
const asked: string[] = []

beforeAll(async () => {
  t = await createTestPipeline(() => now)
  acme = await t.addTenant('acme')
  await t.addDomain('verified.example.com', acme.tenantId, 'verified')
  await t.addDomain('signed.example.com', acme.tenantId, 'signed')
  await t.addDomain('verified.example.net', acme.tenantId, 'verified')
  const dns = zone(records)
  const resolveTxt: ResolveTxt = (name) => {
    asked.push(name)
    return dns(name)
  }
  senders = createSenderVerifier({ loops, resolveTxt, thread: dkimThreadDefaults })
  pipeline = t.another({ senders })
})
afterAll(async () => {
  await senders.close()
  await t.close()
})

const deliver = (message: string, rcptTo: string | readonly string[] = fbl) =>
  t.deliver(message, rcptTo, pipeline)
const signedReport = (report: Report) => signed(reportText(report), keys, { d })

async function listed(address: string): Promise<string[]> {
  const rows = await t.sql<{ list: string }[]>`
    select list from suppression where address = ${address} order by list`
  return rows.map(({ list }) => list)
}

function evidenceOf(outcomes: readonly Outcome[]): string[] {
  return outcomes.flatMap((outcome) =>
    outcome.result === 'recorded'
      ? outcome.feedback.map(({ attribution }) => attribution.evidence)
      : [outcome.result === 'unattributed' ? outcome.reason : outcome.result],
  )
}

function reference(recipient: string): string {
  return sealToken(acme.key, {
    purpose: 'reference',
    tenantId: acme.tenantId,
    day: tokenDay(now),
    groupId: null,
    groupsToDisplay: [],
    messageReference: null,
    recipient,
  })
}

describe('a domain that accepts verified believes a known sender', () => {
  test('who names the recipient', async () => {
    const outcomes = await deliver(signedReport({ recipient: 'Named@provider.example' }))
    expect(evidenceOf(outcomes)).toEqual(['verified-sender'])
    expect(await listed('named@provider.example')).toEqual(['spam_reports'])
    const [row] = await t.sql`
      select f.evidence, f.token_day, m.report ->> 'verifiedSender' as sender
      from feedback as f join received_message as m using (tenant_id, received_message_id)
      where f.recipient = 'named@provider.example'`
    expect(row).toEqual({ evidence: 'verified-sender', tokenDay: null, sender: 'provider' })
  })

  test.each([
    ['unsigned', ''],
    ['signed over it', 'DKIM-Signature: v=1; d=acme.example; h=From:To:Subject;\r\n bh=x; b=x\r\n'],
  ])('about a mail to him alone, %s', async (name, signature) => {
    const to = `${name.replaceAll(' ', '-')}@provider.example`
    const returned = `${signature}From: news@acme.example\r\nTo: <${to}>`
    const outcomes = await deliver(signedReport({ recipient: null, returned }))
    expect(evidenceOf(outcomes)).toEqual(['verified-sender'])
    expect(await listed(to)).toEqual(['spam_reports'])
  })

  test('with an opt-out: it is an unsubscribe', async () => {
    const report = reportText({ recipient: 'leaver@provider.example' })
    await deliver(signed(report.replace('Type: abuse', 'Type: opt-out'), keys, { d }))
    expect(await listed('leaver@provider.example')).toEqual(['global_unsubscribes'])
  })

  test('in the format of Microsoft', async () => {
    const report = [
      'From: fbl@arf.provider.example',
      `To: ${fbl}`,
      'Subject: complaint about message from 192.0.2.1',
      'MIME-Version: 1.0',
      'Content-Type: multipart/mixed; boundary="b"',
      '',
      '--b',
      'Content-Type: message/rfc822',
      '',
      'X-HmXmrOriginalRecipient: jmrp@provider.example',
      'X-HmXmrOriginalRecipient: brought-along@provider.example',
      'From: news@acme.example',
      'To: written-to@provider.example',
      'Subject: News',
      '',
      'text',
      '--b--',
      '',
    ].join('\r\n')
    expect(evidenceOf(await deliver(signed(report, keys, { d })))).toEqual(['verified-sender'])
    expect(await listed('jmrp@provider.example')).toEqual(['spam_reports'])
    expect(await listed('brought-along@provider.example')).toEqual([])
  })

  test('at each address of the domain, and asks DNS once', async () => {
    asked.length = 0
    const rcptTo = ['fbl@verified.example.com', 'abuse@verified.example.com']
    const outcomes = await deliver(signedReport({ recipient: 'twice@provider.example' }), rcptTo)
    expect(evidenceOf(outcomes)).toEqual(['verified-sender', 'verified-sender'])
    expect(asked).toHaveLength(1)
  })
})

describe('it does not believe', () => {
  const victim = 'victim@provider.example'

  test.each([
    ['a report without a signature', () => reportText({ recipient: victim }), 'unverified-sender'],
    [
      'a report that somebody else signed',
      () => signed(reportText({ recipient: victim }), rsaKeys(), { d }),
      'unverified-sender',
    ],
    [
      'a report that was changed',
      () =>
        signedReport({ recipient: 'somebody@provider.example' }).replace(
          'somebody@provider.example',
          victim,
        ),
      'unverified-sender',
    ],
    [
      'a report with parts of somebody else in front',
      () =>
        `Content-Type: multipart/report; report-type=feedback-report; boundary="evil"\r\n${signedReport(
          {
            recipient: 'somebody@provider.example',
            returned: `From: a@b.example\r\n\r\n--evil\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nOriginal-Rcpt-To: ${victim}\r\n\r\n--evil--\r\n`,
          },
        )}`,
      'unverified-sender',
    ],
    [
      'a genuine report that was sent to somebody else',
      () => signedReport({ recipient: victim, to: 'fbl@attacker.example' }),
      'unverified-sender',
    ],
    [
      'a genuine report about a mail whose To is not signed',
      () =>
        signedReport({
          recipient: null,
          returned: `DKIM-Signature: v=1; d=acme.example; h=From:Subject; b=x\r\nFrom: a@b.example\r\nTo: ${victim}`,
        }),
      'no-recipient',
    ],
    [
      'one about a mail that also has a signature of somebody else, over To',
      () =>
        signedReport({
          recipient: null,
          returned: `DKIM-Signature: v=1; d=evil.example; h=From:To; b=x\r\nDKIM-Signature: v=1; d=acme.example; h=From:Subject; b=x\r\nFrom: a@b.example\r\nTo: ${victim}`,
        }),
      'no-recipient',
    ],
    [
      'one about a mail with two To',
      () =>
        signedReport({
          recipient: null,
          returned: `To: ${victim}\r\nDKIM-Signature: v=1; d=acme.example; h=From:To; b=x\r\nFrom: a@b.example\r\nTo: somebody@provider.example`,
        }),
      'no-recipient',
    ],
    [
      'what relays are said to have written into that mail',
      () =>
        signedReport({
          recipient: null,
          returned: `Received: from a.example by b.example for <${victim}>; now\r\nFrom: a@b.example`,
        }),
      'no-recipient',
    ],
    [
      'a field of Microsoft in a report of somebody else',
      () =>
        signedReport({
          recipient: null,
          returned: `X-HmXmrOriginalRecipient: ${victim}\r\nFrom: a@b.example`,
        }),
      'no-recipient',
    ],
    [
      'a bounce, however well it is signed',
      () => signed(asProvider(bounceOf([{ to: victim }])), keys, { d }),
      'no-token',
    ],
    [
      'words that call themselves a report',
      () =>
        signed(
          `From: fbl@arf.provider.example\r\nTo: ${fbl}\r\nSubject: FW: News\r\nContent-Type: text/plain\r\n\r\nThis is an email abuse report for an email message received from IP 192.0.2.1.\r\n\r\nReceived: from a.example\r\nMessage-ID: <1@a.example>\r\nFrom: a@b.example\r\nTo: ${victim}\r\n`,
          keys,
          { d },
        ),
      'no-token',
    ],
  ])('%s', async (_, message, reason) => {
    expect(evidenceOf(await deliver(message()))).toEqual([reason])
    expect(await listed(victim)).toEqual([])
  })

  test('what is not a complaint', async () => {
    const report = reportText({ recipient: victim })
    for (const type of ['not-spam', 'auth-failure']) {
      const message = signed(report.replace('Type: abuse', `Type: ${type}`), keys, { d })
      expect(await deliver(message)).toEqual([{ result: 'ignored', reason: 'not-abuse' }])
    }
  })

  test('a known sender at a domain of another organisation, or that wants tokens', async () => {
    const message = signedReport({ recipient: victim })
    const rcptTo = ['fbl@verified.example.net', 'fbl@signed.example.com']
    expect(evidenceOf(await deliver(message, rcptTo))).toEqual(['unverified-sender', 'no-token'])
    expect(await listed(victim)).toEqual([])
  })

  test('a report to one tenant at a domain of another one under the same name', async () => {
    const rival = await t.addTenant('rival')
    await t.addDomain('rival.example.com', rival.tenantId, 'verified')
    await t.addDomain('mail.rival.example.com', rival.tenantId, 'verified')
    const message = signedReport({ recipient: victim })
    expect(evidenceOf(await deliver(message, 'fbl@rival.example.com'))).toEqual([
      'unverified-sender',
    ])
    expect(await listed(victim)).toEqual([])
    const own = { recipient: 'own@provider.example', to: 'fbl@mail.rival.example.com' }
    expect(evidenceOf(await deliver(signedReport(own), 'fbl@rival.example.com'))).toEqual([
      'verified-sender',
    ])
    const alias = { recipient: 'alias@provider.example', to: 'abuse@example.com' }
    expect(evidenceOf(await deliver(signedReport(alias)))).toEqual(['verified-sender'])
  })
})

function asProvider(message: string): string {
  return message.replace(/^From:.*\r\n/, `From: fbl@arf.provider.example\r\nTo: ${fbl}\r\n`)
}

describe('a token of ours', () => {
  test('decides without asking who sent the report (RFC 9477 is stricter)', async () => {
    asked.length = 0
    const returned = `CFBL-Address: ${fbl}\r\nCFBL-Feedback-ID: ${reference('cfbl@provider.example')}`
    const report = signedReport({ recipient: 'victim2@provider.example', returned })
    expect(evidenceOf(await deliver(report))).toEqual(['sealed-token'])
    expect(asked).toEqual([])
    expect(await listed('cfbl@provider.example')).toEqual(['spam_reports'])
    expect(await listed('victim2@provider.example')).toEqual([])
  })

  test('that is missing from a CFBL report leaves it to the signature', async () => {
    const returned = `CFBL-Address: ${fbl}; report=arf\r\nCFBL-Feedback-ID: theirs`
    const report = { recipient: 'plain-cfbl@provider.example', returned }
    expect(evidenceOf(await deliver(reportText(report)))).toEqual(['unverified-sender'])
    expect(evidenceOf(await deliver(signedReport(report)))).toEqual(['verified-sender'])
  })

  test('that the report does not name stops a known sender, too', async () => {
    const claim = { domain: 'verified.example.com', recipient: 'own@provider.example' }
    const token = { ...claim, messageReference: null, day: tokenDay(now) }
    const rcptTo = `${signReturnPath(acme.key, token)}@verified.example.com`
    const message = signedReport({ recipient: 'victim3@provider.example', to: rcptTo })
    expect(evidenceOf(await deliver(message, rcptTo))).toEqual(['token-names-somebody-else'])
  })
})

describe('when it cannot be found out', () => {
  test('the report is kept with its bytes, to be replayed', async () => {
    const message = signed(reportText({ recipient: 'open@provider.example' }), keys, {
      d,
      s: 'down',
    })
    expect(await deliver(message)).toEqual([{ result: 'unattributed', reason: 'dkim-undecided' }])
    const kept = await t.sql`
      select 1 from received_message as m join raw_message as r using (tenant_id, mail_id)
      where m.outcome_reason = 'dkim-undecided'`
    expect(kept).toHaveLength(1)
    expect(await listed('open@provider.example')).toEqual([])
  })

  test('other mail does not wait for it', async () => {
    let answer: (() => void) | undefined
    const slow: SenderVerifier = {
      verify: () =>
        new Promise((resolve) => {
          answer = () => resolve({ result: 'undecided' })
        }),
      close: async () => undefined,
    }
    const busy = t.another({ senders: slow })
    const waiting = t.deliver(signedReport({ recipient: 'late@provider.example' }), fbl, busy)
    const token = `X-Hearback-Ref: ${reference('early@provider.example')}`
    const message = bounceOf([{ to: 'early@provider.example' }], { returned: token })
    expect(evidenceOf(await t.deliver(message, fbl, busy))).toEqual(['sealed-token'])
    answer?.()
    expect(await waiting).toEqual([{ result: 'unattributed', reason: 'dkim-undecided' }])
  })
})

test('the share that stays unattributed shows by feed and tenant', async () => {
  const metrics = createMetrics()
  const counting = t.another({ senders, metrics, feedOf: createFeedOf(loops) })
  const send = (recipient: string | null, mailFrom: string) =>
    t.deliver(signedReport({ recipient }), fbl, counting, mailFrom)
  await send('counted@provider.example', 'x@bounce.provider.example')
  await send(null, 'x@arf.provider.example')
  await send('counted@provider.example', 'x@bounce.provider.example')
  await t.deliver(bounceOf([{ to: 'a@elsewhere.example' }]), fbl, counting)
  await t.deliver(`From: a@b.example\r\nSubject: hi\r\n\r\nhi\r\n`, fbl, counting)
  const { values } = await metrics.reports.get()
  expect(values.map(({ labels, value }) => ({ ...labels, value }))).toEqual([
    { feed: 'provider', tenant: String(acme.tenantId), result: 'recorded', value: 1 },
    { feed: 'provider', tenant: String(acme.tenantId), result: 'unattributed', value: 1 },
    { feed: 'other', tenant: String(acme.tenantId), result: 'unattributed', value: 1 },
  ])
})
