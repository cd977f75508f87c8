import { pino } from 'pino'
import type postgres from 'postgres'
import { uuidv7 } from 'uuidv7'
import { dkimThreadDefaults } from '../../src/attribute/dkim-thread.ts'
import { createFeedOf, readFeedbackLoops } from '../../src/attribute/feedback-loops.ts'
import { createKeyring } from '../../src/attribute/keyring.ts'
import type { SigningKey } from '../../src/attribute/signing-key.ts'
import { createSenderVerifier } from '../../src/attribute/verified-sender.ts'
import { loadRules } from '../../src/classify/rules.ts'
import { feedbackLoopsFile, rulesDirectory } from '../../src/cli/package-root.ts'
import { createTenant } from '../../src/cli/tenant.ts'
import { createDatabase, type Database } from '../../src/db/sql.ts'
import type { Outcome } from '../../src/feedback/feedback.ts'
import type { Accepts } from '../../src/feedback/inbound-domain.ts'
import { createMetrics } from '../../src/metrics.ts'
import { createParser, type Parser } from '../../src/parse/parse.ts'
import { createPipeline, type Pipeline, type PipelineDeps } from '../../src/pipeline.ts'
import { createErasure } from '../../src/suppression/erased.ts'
import { addInboundDomain, findInboundDomain } from '../../src/tenant/inbound-domains.ts'
import { createTestDatabase } from './database.ts'

export type TestPipeline = {
  sql: postgres.Sql
  db: Database
  pipeline: Pipeline
  /** What the pipeline works with. */
  deps: PipelineDeps
  /** Another one on the same database, as a second process would be. */
  another(changes?: Partial<PipelineDeps>): Pipeline
  addTenant(name: string): Promise<{ tenantId: number; key: SigningKey }>
  addDomain(domain: string, tenantId: number | null, accepts: Accepts): Promise<void>
  /** The outcome for each RCPT TO. */
  deliver(
    message: string | Buffer,
    rcptTo: string | readonly string[],
    to?: Pipeline,
    mailFrom?: string,
  ): Promise<readonly Outcome[]>
  close(): Promise<void>
}

/** The pipeline over a real database; `now` is what it takes for the present. */
export async function createTestPipeline(
  now: () => Date = () => new Date(),
): Promise<TestPipeline> {
  const database = await createTestDatabase()
  const db = createDatabase(database.target)
  const secret = 'a secret for tests'
  const keyring = createKeyring(db, secret)
  const parser: Parser = createParser()
  const { loops } = readFeedbackLoops([feedbackLoopsFile()])
  const senders = createSenderVerifier({
    loops,
    resolveTxt: async () => ({ result: 'absent' }),
    thread: dkimThreadDefaults,
  })
  const deps: PipelineDeps = {
    db,
    keyring,
    findDomain: (name) => db.run((sql) => findInboundDomain(sql, name)),
    parser,
    senders,
    feedOf: createFeedOf(loops),
    erasure: createErasure(db, secret),
    rules: loadRules(rulesDirectory()),
    raw: 'undecided',
    log: pino({ level: 'silent' }),
    metrics: createMetrics(),
    now,
  }
  const pipeline = createPipeline(deps)
  return {
    sql: database.sql,
    db,
    pipeline,
    deps,
    another: (changes = {}) => createPipeline({ ...deps, ...changes }),
    async addTenant(name) {
      const { tenantId } = await db.transaction((sql) => createTenant(sql, secret, name))
      const key = await keyring.newest(tenantId)
      if (key === null) throw new Error('a new tenant has a key')
      return { tenantId, key }
    },
    async addDomain(domain, tenantId, accepts) {
      const inbound = { domain, tenantId, accepts, roleAddresses: [] }
      await db.run((sql) => addInboundDomain(sql, inbound))
    },
    deliver: (message, rcptTo, to = pipeline, mailFrom = '') =>
      to.processMessage({
        id: uuidv7(),
        receivedAt: now(),
        envelope: {
          mailFrom,
          rcptTo: typeof rcptTo === 'string' ? [rcptTo] : rcptTo,
          helo: 'mx.example.net',
          remoteAddress: '192.0.2.1',
          tls: false,
        },
        raw: Buffer.from(message),
      }),
    async close() {
      await pipeline.drain()
      await parser.close()
      await senders.close()
      await db.close()
      await database.drop()
    },
  }
}

/** A delivery status notification as Postfix writes it. */
export function bounceOf(
  recipients: readonly {
    to: string
    original?: string
    action?: string
    status?: string
    text?: string
  }[],
  { returned = '', fields = '' }: { returned?: string; fields?: string } = {},
): string {
  const blocks = recipients.map(
    ({ to, original, action = 'failed', status = '5.1.1', text = 'User unknown' }) =>
      [
        `Final-Recipient: rfc822; ${to}`,
        ...(original === undefined ? [] : [`Original-Recipient: rfc822;${original}`]),
        `Action: ${action}`,
        `Status: ${status}`,
        'Remote-MTA: dns; mx.example.org',
        `Diagnostic-Code: smtp; ${status.startsWith('4') ? 450 : 550} ${status} ${text}`,
      ].join('\r\n'),
  )
  return [
    'From: MAILER-DAEMON@mx.example.net (Mail Delivery System)',
    'Subject: Undelivered Mail Returned to Sender',
    'Auto-Submitted: auto-replied',
    ...(fields === '' ? [] : [fields]),
    'MIME-Version: 1.0',
    'Content-Type: multipart/report; report-type=delivery-status; boundary="report"',
    '',
    '--report',
    'Content-Type: text/plain; charset=us-ascii',
    '',
    'This is the mail system at host mx.example.net.',
    '--report',
    'Content-Type: message/delivery-status',
    '',
    'Reporting-MTA: dns; mx.example.net',
    '',
    ...blocks.flatMap((block) => [block, '']),
    '--report',
    'Content-Type: text/rfc822-headers',
    '',
    'From: news@acme.example',
    ...(returned === '' ? [] : [returned]),
    'Subject: News',
    '',
    '--report--',
    '',
  ].join('\r\n')
}

/** RFC 5965. `original` are header fields of the mail complained about. */
export function complaintAbout(recipient: string | null, type = 'abuse', original = ''): string {
  return [
    'From: feedback@provider.example',
    'Subject: complaint',
    'MIME-Version: 1.0',
    'Content-Type: multipart/report; report-type=feedback-report; boundary="arf"',
    '',
    '--arf',
    'Content-Type: text/plain',
    '',
    'This is a report.',
    '--arf',
    'Content-Type: message/feedback-report',
    '',
    `Feedback-Type: ${type}`,
    'User-Agent: ExampleFBL/1.0',
    'Version: 1',
    'Source-IP: 192.0.2.7',
    ...(recipient === null ? [] : [`Original-Rcpt-To: ${recipient}`]),
    '',
    '--arf',
    'Content-Type: message/rfc822',
    '',
    'From: news@acme.example',
    ...(original === '' ? [] : [original]),
    'Subject: News',
    '',
    'text',
    '--arf--',
    '',
  ].join('\r\n')
}
