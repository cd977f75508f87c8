import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { signReturnPath } from '../../src/attribute/return-path-token.ts'
import { type SealedPurpose, sealToken } from '../../src/attribute/sealed-token.ts'
import type { SigningKey } from '../../src/attribute/signing-key.ts'
import { tokenDay } from '../../src/attribute/token-day.ts'
import type { Outcome } from '../../src/feedback/feedback.ts'
import {
  bounceOf,
  complaintAbout,
  createTestPipeline,
  type TestPipeline,
} from '../support/pipeline.ts'
import { lockWaiters } from '../suppression/entries.ts'

const now = new Date('2026-11-21T10:00:00Z')
const today = tokenDay(now)
let t: TestPipeline
let acme: { tenantId: number; key: SigningKey }
let other: { tenantId: number; key: SigningKey }

beforeAll(async () => {
  t = await createTestPipeline(() => now)
  acme = await t.addTenant('acme')
  other = await t.addTenant('other')
  await t.addDomain('signed.example.com', acme.tenantId, 'signed')
  await t.addDomain('any.test', acme.tenantId, 'any')
  await t.addDomain('other.example.com', other.tenantId, 'signed')
  await t.addDomain('platform.example.com', null, 'signed')
})
afterAll(() => t.close())

function returnPath(
  recipient: string,
  { domain = 'signed.example.com', day = today } = {},
): string {
  const claim = { domain, recipient, messageReference: '00112233445566ff', day }
  return `${signReturnPath(acme.key, claim)}@${domain}`
}

function sealed(
  recipient: string,
  { purpose = 'reference' as SealedPurpose, day = today, groupId = null as number | null } = {},
): string {
  const { tenantId } = acme
  const content = { purpose, tenantId, day, groupId, recipient }
  return sealToken(acme.key, { ...content, groupsToDisplay: [], messageReference: null })
}

function sealedByOther(recipient: string): string {
  const content = { tenantId: other.tenantId, day: today, groupId: null, recipient }
  const purpose = 'unsubscribe' as const
  return sealToken(other.key, { ...content, purpose, groupsToDisplay: [], messageReference: null })
}

async function suppressed(address: string): Promise<{ tenantId: number; list: string }[]> {
  const rows = await t.sql<{ tenantId: number; list: string }[]>`
    select tenant_id, list from suppression where address = ${address} order by list`
  return [...rows]
}

function evidenceOf(outcomes: readonly Outcome[]): string[] {
  return outcomes.flatMap((outcome) =>
    outcome.result === 'recorded'
      ? outcome.feedback.map(({ attribution }) => attribution.evidence)
      : [],
  )
}

describe('which addresses take mail', () => {
  test.each([
    ['bounces@signed.example.com', 'accepted'],
    ['FBL@Signed.Example.COM', 'accepted'],
    ['postmaster@signed.example.com', 'accepted'],
    ['postmaster', 'accepted'],
    ['anything@any.test', 'accepted'],
    ['anything@signed.example.com', 'unknown-mailbox'],
    ['someone@elsewhere.example', 'unknown-domain'],
    ['bounces@sub.signed.example.com', 'unknown-domain'],
    ['bounces%elsewhere.example@signed.example.com', 'unknown-mailbox'],
    ['"a@elsewhere.example"@signed.example.com', 'unknown-mailbox'],
    ['a%b@any.test', 'accepted'],
    ['"a b"@any.test', 'accepted'],
    ['a@elsewhere.example@any.test', 'unknown-mailbox'],
    ['bounces@[127.0.0.1]', 'unknown-domain'],
    ['bounces@any.test.', 'accepted'],
    ['', 'unknown-domain'],
  ])('%s: %s', async (rcptTo, result) => {
    expect(await t.pipeline.findDestination(rcptTo)).toMatchObject({ result })
  })

  test('a signed return path, and none that was changed or belongs to another domain', async () => {
    const signed = returnPath('anna@example.net')
    const accepted = await t.pipeline.findDestination(signed.toUpperCase())
    expect(accepted).toMatchObject({ result: 'accepted', rcptTo: signed })
    const last = signed.indexOf('@') - 1
    const changed =
      signed.slice(0, last) + (signed[last] === 'a' ? 'b' : 'a') + signed.slice(last + 1)
    const elsewhere = signed.replace('signed.example.com', 'any.test')
    const atOther = returnPath('anna@example.net', { domain: 'other.example.com' })
    for (const rcptTo of [changed, elsewhere, atOther]) {
      expect(await t.pipeline.findDestination(rcptTo)).toEqual({ result: 'forged-return-path' })
    }
  })
})

describe('a bounce to a signed return path', () => {
  test('suppresses the recipient whom the token names', async () => {
    const outcomes = await t.deliver(
      bounceOf([{ to: 'Named@example.net' }]),
      returnPath('named@example.net'),
    )
    expect(evidenceOf(outcomes)).toEqual(['return-path-token'])
    expect(await suppressed('named@example.net')).toEqual([
      { tenantId: acme.tenantId, list: 'bounces' },
    ])
    const [row] =
      await t.sql`select message_reference from feedback where recipient = 'named@example.net'`
    expect(row?.['messageReference']).toBe('00112233445566ff')
  })

  test.each([
    [
      'as the original recipient',
      bounceOf([{ to: 'x@y.example', original: 'via-orcpt@example.net' }]),
    ],
    [
      'in the To of the returned mail',
      bounceOf([{ to: 'x@y.example' }], { returned: 'To: <via-orcpt@example.net>' }),
    ],
  ])('finds that recipient %s', async (_, report) => {
    const outcomes = await t.deliver(report, returnPath('via-orcpt@example.net'))
    expect(evidenceOf(outcomes)).toEqual(['return-path-token'])
    expect(await suppressed('x@y.example')).toEqual([])
  })

  test('that names somebody else touches nobody and is kept', async () => {
    const outcomes = await t.deliver(
      bounceOf([{ to: 'victim@example.net' }]),
      returnPath('forger@example.net'),
    )
    expect(outcomes).toEqual([{ result: 'unattributed', reason: 'token-names-somebody-else' }])
    expect(await suppressed('victim@example.net')).toEqual([])
    expect(await suppressed('forger@example.net')).toEqual([])
    const kept = await t.sql`
      select 1 from received_message as m join raw_message as r using (tenant_id, mail_id)
      where m.outcome = 'unattributed' and m.report -> 'recipients' -> 0 ->> 'finalRecipient' = 'victim@example.net'`
    expect(kept).toHaveLength(1)
  })

  test('takes only the status of the recipient whom the token names', async () => {
    await t.deliver(
      bounceOf([
        { to: 'bystander@example.net' },
        { to: 'meant@example.net', status: '5.2.2', text: 'full' },
      ]),
      returnPath('meant@example.net'),
    )
    expect(await suppressed('bystander@example.net')).toEqual([])
    const [row] =
      await t.sql`select bounce_class from suppression where address = 'meant@example.net'`
    expect(row?.['bounceClass']).toBe('soft')
  })

  test.each(['delivered', 'delayed', 'relayed', 'expanded'])(
    'that says %s of him and failed of somebody else touches neither',
    async (action) => {
      const [own, other] = [`own-${action}@example.net`, `other-${action}@example.net`]
      const report = bounceOf([{ to: own, action, status: '2.0.0' }, { to: other }])
      expect(await t.deliver(report, returnPath(own))).toEqual([
        { result: 'unattributed', reason: 'recipient-did-not-fail' },
      ])
      expect(await suppressed(own)).toEqual([])
      expect(await suppressed(other)).toEqual([])
    },
  )

  test('with a token past its lifetime is recorded and suppresses nobody', async () => {
    const rcptTo = returnPath('late@example.net', { day: today - 40 })
    const outcomes = await t.deliver(bounceOf([{ to: 'late@example.net' }]), rcptTo)
    expect(outcomes).toMatchObject([{ result: 'recorded' }])
    expect(await suppressed('late@example.net')).toEqual([])
    expect(
      await t.sql`select 1 from feedback where recipient = 'late@example.net' and token_expired`,
    ).toHaveLength(1)
  })

  test('an out-of-office answer to it is no bounce, whatever it quotes', async () => {
    const answer = [
      'From: anna@example.net',
      'Subject: Out of office',
      'Auto-Submitted: auto-replied',
      '',
      'I am away. Your mail gave: 550 5.1.1 <anna@example.net>: user unknown',
      '',
    ].join('\r\n')
    expect(await t.deliver(answer, returnPath('anna@example.net'))).toEqual([
      { result: 'ignored', reason: 'automatic-response' },
    ])
    expect(await suppressed('anna@example.net')).toEqual([])
  })
})

describe('without a token', () => {
  test('a report to a signed domain is kept as unattributed', async () => {
    for (const report of [bounceOf([{ to: 'v1@example.net' }]), complaintAbout('v1@example.net')]) {
      expect(await t.deliver(report, 'bounces@signed.example.com')).toEqual([
        { result: 'unattributed', reason: 'no-token' },
      ])
    }
    expect(await suppressed('v1@example.net')).toEqual([])
  })

  test('a domain that accepts any takes the report at its word, and says so', async () => {
    const outcomes = await t.deliver(bounceOf([{ to: 'plain@example.net' }]), 'bounces@any.test')
    expect(evidenceOf(outcomes)).toEqual(['unsigned'])
    expect(await suppressed('plain@example.net')).toHaveLength(1)
  })

  test('mail to postmaster without a domain, or to the platform, belongs to nobody', async () => {
    for (const rcptTo of ['postmaster', 'fbl@platform.example.com']) {
      const outcomes = await t.deliver(complaintAbout('nobody@example.net'), rcptTo)
      expect(outcomes).toMatchObject([{ result: 'unattributed' }])
    }
    expect(await suppressed('nobody@example.net')).toEqual([])
  })
})

describe('a sealed token in the report', () => {
  test.each([
    ['List-Unsubscribe', (token: string) => `List-Unsubscribe: <https://u.example.com/u/${token}>`],
    ['X-Hearback-Ref', (token: string) => `X-Hearback-Ref: ${token}`],
    ['CFBL-Feedback-ID', (token: string) => `CFBL-Feedback-ID: ${token}`],
    ['Message-ID', (token: string) => `Message-ID: <${token}@acme.example>`],
    [
      'a folded field',
      (token: string) => `X-Hearback-Ref: ${token.slice(0, 30)}\r\n ${token.slice(30)}`,
    ],
  ])('in %s of the returned mail attributes a report that names nobody', async (name, field) => {
    const recipient = `${name.toLowerCase().replaceAll(/[^a-z]/g, '')}@example.net`
    const report = complaintAbout(null, 'abuse', field(sealed(recipient)))
    const outcomes = await t.deliver(report, 'fbl@signed.example.com')
    expect(evidenceOf(outcomes)).toEqual(['sealed-token'])
    expect(await suppressed(recipient)).toEqual([{ tenantId: acme.tenantId, list: 'spam_reports' }])
  })

  test('decides alone: not whom the report names', async () => {
    const report = complaintAbout(
      'named-only@example.net',
      'abuse',
      `X-Hearback-Ref: ${sealed('owner@example.net')}`,
    )
    await t.deliver(report, 'fbl@any.test')
    expect(await suppressed('named-only@example.net')).toEqual([])
    expect(await suppressed('owner@example.net')).toHaveLength(1)
  })

  test('attributes at a mailbox of the platform, and not at that of another tenant', async () => {
    const field = (recipient: string) => `X-Hearback-Ref: ${sealed(recipient)}`
    await t.deliver(
      complaintAbout(null, 'abuse', field('p@example.net')),
      'fbl@platform.example.com',
    )
    expect(await suppressed('p@example.net')).toEqual([
      { tenantId: acme.tenantId, list: 'spam_reports' },
    ])
    const outcomes = await t.deliver(
      complaintAbout(null, 'abuse', field('q@example.net')),
      'fbl@other.example.com',
    )
    expect(outcomes).toEqual([{ result: 'unattributed', reason: 'no-token' }])
    expect(await suppressed('q@example.net')).toEqual([])
  })

  test('that was changed counts for nothing', async () => {
    const token = sealed('r@example.net')
    const changed = token.slice(0, -1) + (token.endsWith('A') ? 'B' : 'A')
    const report = complaintAbout('r@example.net', 'abuse', `X-Hearback-Ref: ${changed}`)
    expect(await t.deliver(report, 'fbl@signed.example.com')).toMatchObject([
      { result: 'unattributed' },
    ])
  })

  test('beside a lapsed one of the same recipient counts, wherever it stands', async () => {
    const old = sealed('twice@example.net', { day: today - 190 })
    const fields = `X-Hearback-Ref: ${old}\r\nCFBL-Feedback-ID: ${sealed('twice@example.net')}`
    await t.deliver(complaintAbout(null, 'abuse', fields), 'fbl@signed.example.com')
    expect(await suppressed('twice@example.net')).toHaveLength(1)
  })

  test('lapses for complaints after 180 days', async () => {
    const field = `X-Hearback-Ref: ${sealed('old@example.net', { day: today - 190 })}`
    const outcomes = await t.deliver(complaintAbout(null, 'abuse', field), 'fbl@signed.example.com')
    expect(outcomes).toMatchObject([{ result: 'recorded' }])
    expect(await suppressed('old@example.net')).toEqual([])
  })
})

describe('a token of other mail', () => {
  const quote = (recipient: string) =>
    `On Monday you wrote: https://u.example.com/u/${sealed(recipient)}`

  test.each([
    [
      'in the text',
      (r: string) =>
        bounceOf([{ to: 'b1@example.net' }]).replace(
          'This is the mail',
          `${quote(r)} This is the mail`,
        ),
    ],
    [
      'in what the mail refers to',
      (r: string) =>
        bounceOf([{ to: 'b2@example.net' }], {
          returned: `References: <${sealed(r)}@acme.example>`,
        }),
    ],
    [
      'in what the mail answers',
      (r: string) =>
        bounceOf([{ to: 'b3@example.net' }], {
          returned: `In-Reply-To: <${sealed(r)}@acme.example>`,
        }),
    ],
    [
      'in a return path',
      (r: string) =>
        bounceOf([{ to: 'b4@example.net' }], { returned: `X-Quoted: <${returnPath(r)}>` }),
    ],
  ])('%s says nothing about whoever bounced', async (_, report) => {
    const outcomes = await t.deliver(report('quoted-one@example.net'), 'bounces@signed.example.com')
    expect(outcomes).toEqual([{ result: 'unattributed', reason: 'token-names-somebody-else' }])
    expect(await suppressed('quoted-one@example.net')).toEqual([])
  })

  test('does not hide the one of whoever bounced', async () => {
    const returned = `X-Quoted: <${returnPath('quoted-two@example.net')}>`
    const report = bounceOf([{ to: 'bounced@example.net' }], { returned })
    const text = report.replace(
      'This is the mail',
      `${quote('bounced@example.net')} This is the mail`,
    )
    const outcomes = await t.deliver(text, 'bounces@signed.example.com')
    expect(evidenceOf(outcomes)).toEqual(['sealed-token'])
    expect(await suppressed('bounced@example.net')).toHaveLength(1)
  })
})

describe('unsubscribing by mail', () => {
  const request = (subject: string, from = 'someone-else@example.net') =>
    `From: ${from}\r\nTo: unsubscribe@signed.example.com\r\nSubject: ${subject}\r\n\r\n\r\n`
  const write = (message: string, rcptTo: string) =>
    t.deliver(message, rcptTo, t.pipeline, 'someone-else@example.net')

  test('is for whom the token names, whoever sends it', async () => {
    const token = sealed('leaver@example.net', { purpose: 'unsubscribe', day: today - 4_000 })
    await write(request(token), 'unsubscribe@signed.example.com')
    expect(await suppressed('leaver@example.net')).toEqual([
      { tenantId: acme.tenantId, list: 'global_unsubscribes' },
    ])
  })

  test('is for ever, with a token that is dated ahead as well', async () => {
    const token = sealed('early@example.net', { purpose: 'unsubscribe', day: today + 40 })
    await write(request(token), 'unsubscribe@signed.example.com')
    expect(await suppressed('early@example.net')).toMatchObject([{ list: 'global_unsubscribes' }])
  })

  test('works for who is called postmaster, but not without a path', async () => {
    const token = (recipient: string) => sealed(recipient, { purpose: 'unsubscribe' })
    const mail = (recipient: string) => request(token(recipient), 'postmaster@smallco.example')
    await write(mail('small@example.net'), 'unsubscribe@signed.example.com')
    expect(await suppressed('small@example.net')).toMatchObject([{ list: 'global_unsubscribes' }])
    await t.deliver(mail('pathless@example.net'), 'unsubscribe@signed.example.com')
    expect(await suppressed('pathless@example.net')).toEqual([])
  })

  test('from a group leaves that group; from a group that is gone, everything', async () => {
    const [group] = await t.sql`
      insert into suppression_group (tenant_id, name) values (${acme.tenantId}, 'News') returning group_id`
    const groupId: number = group?.['groupId']
    const token = sealed('grouped@example.net', { purpose: 'unsubscribe', groupId })
    await write(request(token), 'unsubscribe@signed.example.com')
    expect(await suppressed('grouped@example.net')).toMatchObject([{ list: 'group_unsubscribes' }])
    const just = sealed('just-then@example.net', { purpose: 'unsubscribe', groupId })
    const { writing } = await t.sql.begin(async (sql) => {
      await sql`update suppression_group set deleted_at = now() where group_id = ${groupId}`
      const writing = write(request(just), 'unsubscribe@signed.example.com')
      await lockWaiters(t.sql, 1)
      return { writing }
    })
    await writing
    expect(await suppressed('just-then@example.net')).toMatchObject([
      { list: 'global_unsubscribes' },
    ])
    const late = sealed('late-group@example.net', { purpose: 'unsubscribe', groupId })
    await write(request(late), 'unsubscribe@signed.example.com')
    expect(await suppressed('late-group@example.net')).toMatchObject([
      { list: 'global_unsubscribes' },
    ])
  })

  test('takes a token that was made for it, not one that only says which mail it was', async () => {
    const outcomes = await write(request(sealed('quoted@example.net')), 'unsubscribe@any.test')
    expect(outcomes).toMatchObject([{ result: 'unattributed' }])
    expect(await suppressed('quoted@example.net')).toEqual([])
  })

  test('without a token the From field unsubscribes nobody, on no domain', async () => {
    for (const rcptTo of ['unsubscribe@signed.example.com', 'unsubscribe@any.test']) {
      const outcomes = await write(request('unsubscribe', 'forged@example.net'), rcptTo)
      expect(outcomes).toMatchObject([{ result: 'unattributed' }])
    }
    expect(await suppressed('forged@example.net')).toEqual([])
  })

  test.each([
    ['the local part', (token: string) => `unsubscribe+${token}@signed.example.com`],
    ['a local part of its own', (token: string) => `${token}@signed.example.com`],
  ])('takes the token in %s', async (name, rcptTo) => {
    const recipient = `${name.replaceAll(' ', '-')}@example.net`
    const token = sealed(recipient, { purpose: 'unsubscribe' })
    await write(request('unsubscribe'), rcptTo(token))
    expect(await suppressed(recipient)).toMatchObject([{ list: 'global_unsubscribes' }])
  })

  test.each([
    ['changed', (token: string) => token.slice(0, -1) + (token.endsWith('A') ? 'B' : 'A')],
    ['in lower case', (token: string) => token.toLowerCase()],
    ['of another tenant', () => sealedByOther('unknown@example.net')],
  ])('takes mail with a token that is %s, and does nothing', async (_, change) => {
    const token = change(sealed('unknown@example.net', { purpose: 'unsubscribe' }))
    for (const [subject, rcptTo] of [
      [token, 'unsubscribe@signed.example.com'],
      ['unsubscribe', `unsubscribe+${token}@signed.example.com`],
    ] as const) {
      expect(await t.pipeline.findDestination(rcptTo)).toMatchObject({ result: 'accepted' })
      const outcomes = await write(request(`${subject}`), rcptTo)
      expect(outcomes).toMatchObject([
        { result: expect.stringMatching('unattributed|quarantined') },
      ])
    }
    expect(await suppressed('unknown@example.net')).toEqual([])
  })

  test('from nobody, as programs write, is none', async () => {
    const token = sealed('null-path@example.net', { purpose: 'unsubscribe' })
    expect(await t.deliver(request(token), 'unsubscribe@signed.example.com')).toEqual([
      { result: 'ignored', reason: 'automatic-response' },
    ])
    expect(await suppressed('null-path@example.net')).toEqual([])
  })

  test('with the tokens of two people is for neither', async () => {
    const tokens = ['one@example.net', 'two@example.net'].map((recipient) =>
      sealed(recipient, { purpose: 'unsubscribe' }),
    )
    const outcomes = await write(request(tokens.join(' ')), 'unsubscribe@signed.example.com')
    expect(outcomes).toEqual([{ result: 'unattributed', reason: 'token-names-somebody-else' }])
  })

  test('takes no return path for it, whose ever it is', async () => {
    const signed = returnPath('no-door@example.net')
    const attached = [
      'From: no-door@example.net',
      `To: ${signed}`,
      'Subject: unsubscribe',
      'Content-Type: message/rfc822',
      '',
      'From: news@acme.example',
      'To: no-door@example.net',
      `Return-Path: <${signed}>`,
      'Subject: News',
      '',
      'text',
      '',
    ].join('\r\n')
    expect(await write(attached, signed)).toEqual([{ result: 'unattributed', reason: 'no-token' }])
    expect(await suppressed('no-door@example.net')).toEqual([])
  })
})

test('a click that repeats changes nothing; a click after a return to the list does', async () => {
  const token = {
    purpose: 'unsubscribe' as const,
    tenantId: acme.tenantId,
    day: today,
    groupId: null,
    groupsToDisplay: [],
    messageReference: null,
    recipient: 'clicker@example.net',
  }
  const click = () => t.pipeline.processUnsubscribe(token, 'one-click')
  await Promise.all([click(), click(), click()])
  const events = () => t.sql`select 1 from feedback where recipient = 'clicker@example.net'`
  expect(await events()).toHaveLength(1)
  expect(await suppressed('clicker@example.net')).toHaveLength(1)
  await t.sql`delete from suppression where address = 'clicker@example.net'`
  await click()
  expect(await events()).toHaveLength(2)
})
