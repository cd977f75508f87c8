import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { uuidv7 } from 'uuidv7'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { SigningKey } from '../src/attribute/signing-key.ts'
import { classify } from '../src/classify/classify.ts'
import { loadRules } from '../src/classify/rules.ts'
import { packageRoot, rulesDirectory } from '../src/cli/package-root.ts'
import { reportRow } from '../src/cli/report-row.ts'
import type { Outcome } from '../src/feedback/feedback.ts'
import type { SuppressionList } from '../src/feedback/suppression.ts'
import { createParser } from '../src/parse/parse.ts'
import { asSentBy, loadSamples, type Sample } from '../src/samples.ts'
import { listSuppressions } from '../src/suppression/list.ts'
import { createTestPipeline, type TestPipeline } from './support/pipeline.ts'

const samples = loadSamples()
const named = samples.map((sample) => [sample.name, sample] as const)
const kinds = [
  'automatic-response',
  'delivery-status',
  'feedback-report',
  'unrecognized',
  'unsubscribe-request',
]
const rules = loadRules(rulesDirectory())
const parser = createParser()
afterAll(parser.close)

describe('samples/', () => {
  const directory = join(packageRoot(), 'samples')
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.includes('.'),
  )

  test('holds samples of every kind, in a folder of that name', () => {
    expect([...new Set(samples.map(kindOf))].sort()).toEqual(kinds)
    expect(samples.filter((sample) => sample.parsed['type'] !== kindOf(sample))).toEqual([])
  })

  test('holds an expectation for every message and a message for every expectation', () => {
    const names = (extension: string): string[] =>
      files
        .filter((file) => file.endsWith(extension))
        .map((file) => file.slice(0, -extension.length))
        .sort()
    expect(names('.json')).toEqual(names('.eml'))
    expect(names('.eml').length + names('.json').length).toBe(files.length)
  })

  test.each(named)('%s has lines that end in CRLF, all of them', (_, { raw }) => {
    const text = raw.toString('latin1')
    expect(text.endsWith('\r\n')).toBe(true)
    expect(text.match(/\r(?!\n)|(?<!\r)\n/)).toBeNull()
  })

  test.each(named)('%s names nobody who exists', (_, sample) => {
    const { raw, ...expectation } = sample
    const readable = raw.toString('latin1').replaceAll('=\r\n', '')
    const text = `${readable}\n${JSON.stringify(expectation)}`
    const domains = [...text.matchAll(/[\w=.+-]@([a-z0-9-]+(?:\.[a-z0-9-]*[a-z0-9])+)/gi)].map(
      (found) => found[1] ?? '',
    )
    expect(domains.filter((domain) => !documentationName.test(domain))).toEqual([])
    const addresses = [
      ...(text.match(/(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])/g) ?? []),
      ...(text.match(/(?<![\w:])(?:[\da-f]{1,4}:{1,2}){3,7}[\da-f]{1,4}(?![\w:])/gi) ?? []),
    ]
    expect(addresses.filter((address) => !documentationAddress.test(address))).toEqual([])
  })

  test('lists nobody twice, so that the lists of the demo can be read', () => {
    const listed = samples.flatMap(({ bounces, spamReports, globalUnsubscribes }) => [
      ...bounces.map(({ email }) => email),
      ...spamReports,
      ...globalUnsubscribes,
    ])
    expect(listed.filter((address, index) => listed.indexOf(address) !== index)).toEqual([])
  })
})

/** RFC 2606, RFC 6761. */
const documentationName = /(?:^|\.)(?:example|test|invalid|localhost|example\.(?:com|net|org))$/i

/** RFC 5737, RFC 3849, the private networks of RFC 1918, and the host itself. */
const documentationAddress =
  /^(?:(?:192\.0\.2|198\.51\.100|203\.0\.113|10\.\d{1,3}\.\d{1,3}|192\.168\.\d{1,3}|127\.0\.0)\.\d{1,3}|2001:db8:.*)$/i

describe('hearback parse', () => {
  test.each(named)('reads %s', async (_, sample) => {
    const report = await parser.parse(sample.raw)
    const row = reportRow('sample.eml', report, (recipient) => classify(rules, recipient))
    expect(row).toEqual({ file: 'sample.eml', ...sample.parsed })
  })
})

describe('a domain that accepts any', () => {
  const domain = 'bounce.localhost'
  const now = new Date()
  let t: TestPipeline
  let tenantId: number
  let key: SigningKey

  beforeAll(async () => {
    t = await createTestPipeline(() => now)
    ;({ tenantId, key } = await t.addTenant('demo'))
    await t.addDomain(domain, tenantId, 'any')
  })
  afterAll(() => t.close())

  test.each(named)('takes %s once and lists whom it concerns', async (_, sample) => {
    const { mailFrom, rcptTo, raw } = await asSentBy(key, domain, now, sample)
    const deliver = (): Promise<readonly Outcome[]> =>
      t.pipeline.processMessage({
        id: uuidv7(),
        receivedAt: now,
        envelope: {
          mailFrom,
          rcptTo: [rcptTo],
          helo: 'mx.example.net',
          remoteAddress: '192.0.2.1',
          tls: false,
        },
        raw,
      })

    expect(await t.pipeline.findDestination(rcptTo)).toMatchObject({ result: 'accepted' })
    const before = await listed()
    const outcomes = await deliver()
    expect(outcomes.map(({ result }) => result)).toEqual([sample.outcome])
    const after = await listed()
    expect({
      bounces: after.bounces.filter(isNotIn(before.bounces)),
      spamReports: after.spamReports.filter(isNotIn(before.spamReports)),
      globalUnsubscribes: after.globalUnsubscribes.filter(isNotIn(before.globalUnsubscribes)),
    }).toEqual({
      bounces: [...sample.bounces].sort((a, b) => (a.email < b.email ? -1 : 1)),
      spamReports: [...sample.spamReports].sort(),
      globalUnsubscribes: [...sample.globalUnsubscribes].sort(),
    })

    const rows = await stored()
    expect((await deliver()).map(({ result }) => result)).toEqual(['duplicate'])
    expect(await stored()).toEqual(rows)
  })

  async function listed() {
    const of = (list: SuppressionList) =>
      t.db.run((sql) =>
        listSuppressions(
          sql,
          tenantId,
          { list, groupId: 0 },
          { address: null, from: null, before: null },
          { limit: 10_000, offset: 0 },
          now,
        ),
      )
    return {
      bounces: (await of('bounces')).map(({ address, bounceClass }) => {
        return { email: address, bounce_type: bounceClass }
      }),
      spamReports: (await of('spam_reports')).map(({ address }) => address),
      globalUnsubscribes: (await of('global_unsubscribes')).map(({ address }) => address),
    }
  }

  /** All that one message can change. */
  async function stored(): Promise<readonly unknown[]> {
    return t.sql`
      select
        (select count(*) from message_digest) as digests,
        (select count(*) from received_message) as messages,
        (select count(*) from raw_message) as raw_messages,
        (select count(*) from feedback) as feedback,
        (select count(*) from outbox) as events,
        (select jsonb_agg(s order by list, address) from suppression as s) as suppressions`
  }
})

function isNotIn(known: readonly unknown[]): (entry: unknown) => boolean {
  const texts = new Set(known.map((entry) => JSON.stringify(entry)))
  return (entry) => !texts.has(JSON.stringify(entry))
}

/** The folder that it lies in. */
function kindOf({ name }: Sample): string {
  return name.slice(0, name.indexOf('/'))
}
