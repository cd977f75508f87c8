import { uuidv7 } from 'uuidv7'
import { beforeAll, describe, expect, test } from 'vitest'
import { bounceOf } from '../support/pipeline.ts'
import { useCommandLine } from './hearback.ts'

const line = useCommandLine()
let tenantId: number

beforeAll(async () => {
  await line.run('tenant', 'add', 'shop')
  await line.run('domain', 'add', 'open.test', '--tenant', 'shop', '--accept', 'any')
  const [row] = await line.database.sql`select tenant_id from tenant where name = 'shop'`
  tenantId = row?.['tenantId']
})

/** Mail that nobody understood when it came. */
async function keep(raw: string, receivedAt: Date, owner = tenantId): Promise<void> {
  const [id, mailId] = [uuidv7(), uuidv7()]
  const { sql } = line.database
  await sql`
    insert into received_message (
      tenant_id, received_message_id, mail_id, received_at, mail_from, rcpt_to, helo,
      remote_address, tls, size_bytes, outcome, outcome_reason)
    values (${owner}, ${id}, ${mailId}, ${receivedAt}, '', 'bounces@open.test', 'mx.example.net',
      '192.0.2.1', false, ${raw.length}, 'quarantined', 'unrecognized')`
  await sql`
    insert into raw_message (tenant_id, mail_id, received_at, raw)
    values (${owner}, ${mailId}, ${receivedAt}, ${Buffer.from(raw)})`
}

async function listed(): Promise<string[]> {
  const rows = await line.database.sql`select address from suppression order by address`
  return rows.map(({ address }) => address)
}

async function jsonLines(...args: string[]): Promise<Record<string, unknown>[]> {
  const text = await line.run(...args, '--json')
  return text
    .trimEnd()
    .split('\n')
    .map((one) => JSON.parse(one))
}

const at = new Date('2026-03-01T12:00:00Z')
const period = ['--since', '2026-03-01', '--until', '2026-03-02T00:00Z']

describe('replay', () => {
  beforeAll(async () => {
    await keep(bounceOf([{ to: 'a@example.com' }]), at)
    const byGoogle = bounceOf([{ to: 'b@gmail.com' }])
    await keep(byGoogle.replace('mx.example.org', 'gmail-smtp-in.l.google.com'), at)
    await keep('Subject: hi\r\n\r\nstill not understood', at)
    await keep(bounceOf([{ to: 'late@example.com' }]), new Date('2026-03-02T00:00:00Z'))
  })

  test('--dry-run says what would change, and changes nothing', async () => {
    const text = await line.run('replay', ...period, '--dry-run')
    expect(text).toContain(
      'shop  a@example.com  bounce: nothing -> hard user-unknown (user-unknown)  [bounces: not listed -> hard, until removed]',
    )
    expect(text).toContain('3 messages read, 2 would change; lists: 2 added, 0 removed, 0 altered')
    expect(await listed()).toEqual([])
  })

  test('of one provider, of one tenant, as JSON', async () => {
    const lines = await jsonLines(
      ...['replay', ...period, '--tenant', 'shop', '--provider', 'gmail.com', '--dry-run'],
    )
    expect(lines).toEqual([
      {
        tenant: 'shop',
        receivedMessageId: expect.any(String),
        outcome: {
          before: { outcome: 'quarantined', reason: 'unrecognized' },
          after: { outcome: 'recorded', reason: null },
        },
        address: 'b@gmail.com',
        kind: 'bounce',
        before: null,
        after: expect.objectContaining({ bounceClass: 'hard', status: '5.1.1' }),
        list: {
          list: 'bounces',
          address: 'b@gmail.com',
          before: null,
          after: { bounceClass: 'hard', until: null },
        },
      },
      expect.objectContaining({ isDryRun: true, read: 3, changed: 1, added: 1 }),
    ])
  })

  test('without it, it is done; once more there is nothing to do', async () => {
    const [sums] = (await jsonLines('replay', ...period)).slice(-1)
    expect(sums).toMatchObject({ isDryRun: false, read: 3, changed: 2, added: 2, removed: 0 })
    expect(await listed()).toEqual(['a@example.com', 'b@gmail.com'])
    const [again] = await jsonLines('replay', ...period)
    expect(again).toMatchObject({ read: 3, changed: 0 })
  })

  test('--revert takes back what one provider said, --restore lets it count again', async () => {
    const google = ['replay', ...period, '--provider', 'google']
    expect(await line.run(...google, '--revert', '--dry-run')).toContain(
      '1 bounces would count no longer; lists: 0 added, 1 removed, 0 altered (google, 2026-03-01T00:00:00.000Z to 2026-03-02T00:00:00.000Z)',
    )
    expect(await line.run(...google, '--revert')).toContain(
      'shop  b@gmail.com  [bounces: hard, until removed -> not listed]\n1 bounces count no longer',
    )
    expect(await listed()).toEqual(['a@example.com'])
    expect((await jsonLines('replay', ...period)).at(-1)).toMatchObject({ changed: 0 })
    await line.run(...google, '--restore')
    expect(await listed()).toEqual(['a@example.com', 'b@gmail.com'])
  })

  test('--revert without --until takes back what came in until now', async () => {
    const args = ['--since', '2026-03-01', '--provider', 'Google']
    const [sums] = (await jsonLines('replay', ...args, '--revert')).slice(-1)
    expect(sums).toMatchObject({ bounces: 1, held: 0, removed: 1 })
    expect(await listed()).toEqual(['a@example.com'])
    await line.run('replay', ...args, '--restore')
    expect(await listed()).toEqual(['a@example.com', 'b@gmail.com'])
  })

  test.each([
    [[], "required option '--since <date>' not specified"],
    [['--since', 'monday'], '--since takes a date'],
    [['--since', '2026-03-02', '--until', '2026-03-01'], '--until must be later than --since'],
    [['--since', '1d', '--tenant', 'nobody'], 'there is no tenant nobody'],
    [['--since', '1d', '--provider', 'goggle'], '--provider takes google, microsoft'],
    [['--since', '1d', '--revert'], 'need --provider'],
    [['--since', '1d', '--revert', '--restore', '--provider', 'google'], 'exclude each other'],
    [['--since', '1d', '--outcome', 'lost'], 'there is no outcome lost'],
  ])('%j is refused', async (args, said) => {
    expect(await line.complaint('replay', ...args)).toContain(said)
  })
})
