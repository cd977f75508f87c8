import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { uuidv7 } from 'uuidv7'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bounceOf } from '../support/pipeline.ts'
import { useCommandLine } from './hearback.ts'

const line = useCommandLine()
const folder = mkdtempSync(join(tmpdir(), 'hearback-'))
afterAll(() => rmSync(folder, { recursive: true }))

const evil = '\x1b]0;owned\x07\x1b[2J'
let tenantId: number

beforeAll(async () => {
  await line.run('tenant', 'add', 'shop')
  await line.run('tenant', 'add', 'other')
  await line.run('domain', 'add', 'signed.example.com', '--tenant', 'shop')
  await line.run('domain', 'add', 'fbl.example.com', '--platform')
  const [row] = await line.database.sql`select tenant_id from tenant where name = 'shop'`
  tenantId = row?.['tenantId']
})

/** As the daemon keeps mail that it did not understand: the command reads it anew. */
async function keep(
  raw: string,
  { owner = tenantId, minutesAgo = 5, mailFrom = '', rcptTo = 'bounces@signed.example.com' } = {},
): Promise<string> {
  const [id, mailId] = [uuidv7(), uuidv7()]
  const receivedAt = new Date(Date.now() - minutesAgo * 60_000)
  const { sql } = line.database
  await sql`
    insert into received_message (
      tenant_id, received_message_id, mail_id, received_at, mail_from, rcpt_to, helo,
      remote_address, tls, size_bytes, outcome, outcome_reason)
    values (${owner}, ${id}, ${mailId}, ${receivedAt}, ${mailFrom}, ${rcptTo}, 'mx.example.net',
      '192.0.2.1', false, ${raw.length}, 'quarantined', 'unreadable')`
  await sql`
    insert into raw_message (tenant_id, mail_id, received_at, raw)
    values (${owner}, ${mailId}, ${receivedAt}, ${Buffer.from(raw)})`
  return id
}

async function listed(address: string): Promise<string[]> {
  const rows = await line.database.sql`
    select t.name from suppression join tenant as t using (tenant_id) where address = ${address}`
  return rows.map(({ name }) => name)
}

describe('quarantine ls', () => {
  test('newest first, with age, size and where it came from; page by page', async () => {
    const ids: string[] = []
    for (const minutesAgo of [300, 200, 100]) {
      ids.push(await keep('Subject: x\r\n\r\ny', { minutesAgo, mailFrom: `a@example.com${evil}` }))
    }
    const text = await line.run('quarantine', 'ls', '--tenant', 'shop')
    expect(text).toMatch(/^ID +AGE +OUTCOME +REASON +FROM +TO +BYTES$/m)
    expect(text).toContain('a@example.com\\u{1b}]0;owned\\u{7}\\u{1b}[2J')
    expect(text).not.toContain('\x1b')
    const first = await line.json<{ messages: { receivedMessageId: string }[]; next: string }>(
      ...['quarantine', 'ls', '--tenant', 'shop', '--limit', '2'],
    )
    expect(first.messages.map((one) => one.receivedMessageId)).toEqual([ids[2], ids[1]])
    const args = ['quarantine', 'ls', '--tenant', 'shop', '--limit', '2', '--after', first.next]
    const rest = await line.json<typeof first>(...args)
    expect(rest.messages.map((one) => one.receivedMessageId)).toEqual([ids[0]])
    expect(rest.next).toBeNull()
    const since = await line.json<typeof first>(
      ...['quarantine', 'ls', '--tenant', 'shop', '--since', '150m'],
    )
    expect(since.messages).toHaveLength(1)
  })

  test('mail of no tenant is asked for by --platform, and is in no tenant’s list', async () => {
    const id = await keep('Subject: x\r\n\r\ny', { owner: 0 })
    expect(await line.run('quarantine', 'ls', '--platform')).toContain(id)
    expect(await line.run('quarantine', 'ls', '--tenant', 'shop')).not.toContain(id)
    expect(await line.run('quarantine', 'ls', '--tenant', 'other')).toBe('nothing\n')
  })

  test.each([
    [['ls'], 'say whose mail'],
    [['ls', '--tenant', 'shop', '--platform'], 'say whose mail'],
    [['ls', '--tenant', 'nobody'], 'there is no tenant nobody'],
    [['ls', '--tenant', 'shop', '--outcome', 'lost'], 'there is no outcome lost'],
    [['ls', '--tenant', 'shop', '--since', 'yesterday'], '--since takes a date'],
    [['ls', '--tenant', 'shop', '--after', 'x'], '--after takes what the list before ended with'],
    [['show', '--tenant', 'shop', 'x'], 'x is no id of a message'],
    [['show', '--tenant', 'shop', uuidv7()], 'there is no message'],
  ])('%j is refused', async (args, said) => {
    expect(await line.complaint('quarantine', ...args)).toContain(said)
  })
})

describe('quarantine show', () => {
  test('nothing that a stranger wrote reaches the terminal as it is', async () => {
    const raw = [
      `From: ${evil}<x@example.com>`,
      `Subject: =?utf-8?b?${Buffer.from(evil).toString('base64')}?=`,
      'Content-Type: text/html',
      '',
      `<p>Look ${evil}<script>steal()</script> here</p>\u202e`,
    ].join('\r\n')
    const id = await keep(raw)
    const shown = await line.run('quarantine', 'show', '--tenant', 'shop', id)
    expect(shown.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u)
    expect(shown).toContain('RCPT TO    <bounces@signed.example.com>')
    expect(shown).toMatch(/^Look .*0;owned.* here$/m)
    expect(shown).not.toContain('steal')
    const json = await line.json('quarantine', 'show', '--tenant', 'shop', id)
    expect(json).toMatchObject({ receivedMessageId: id, summary: { parts: ['text/html'] } })
    expect(await line.complaint('quarantine', 'show', '--tenant', 'other', id)).toContain(
      'no message',
    )
  })
})

describe('quarantine download', () => {
  test('the bytes as they came, to a new file or on', async () => {
    const raw = `Subject: x\r\n\r\n${evil}`
    const id = await keep(raw)
    expect(await line.run('quarantine', 'download', '--tenant', 'shop', id)).toBe(raw)
    const output = join(folder, 'message.eml')
    await line.run('quarantine', 'download', '--tenant', 'shop', id, '--output', output)
    expect(readFileSync(output, 'latin1')).toBe(raw)
    const args = ['quarantine', 'download', '--tenant', 'shop', id, '--output', output]
    expect(await line.complaint(...args)).toContain('EEXIST')
    expect(existsSync(output)).toBe(true)
  })

  test('bytes that are gone are said to be', async () => {
    const id = await keep('Subject: x\r\n\r\n')
    await line.database.sql`delete from raw_message`
    expect(await line.complaint('quarantine', 'download', '--tenant', 'shop', id)).toContain(
      'are not kept',
    )
    expect(await line.run('quarantine', 'ls', '--tenant', 'shop')).toContain('(not kept)')
  })
})

describe('quarantine release', () => {
  const args = ['quarantine', 'release', '--tenant', 'shop']

  test('without a word for whom it says whom it would suppress, and does nothing', async () => {
    const id = await keep(bounceOf([{ to: 'a@example.com' }, { to: 'b@example.com' }]))
    expect(await line.complaint(...args, id)).toContain(
      'this would act on a@example.com (hard bounce); b@example.com (hard bounce): say --yes',
    )
    expect(await listed('a@example.com')).toEqual([])
    expect(await line.complaint(...args, id, '--recipient', 'c@example.com')).toContain(
      'does not name c@example.com',
    )
    const said = await line.run(...args, id, '--recipient', 'A@Example.com', '--reason', 'ticket 7')
    expect(said).toBe('released on your word\na@example.com (hard bounce): listed\n')
    expect(await listed('a@example.com')).toEqual(['shop'])
    expect(await listed('b@example.com')).toEqual([])
    const [audited] = await line.database.sql`
      select action, actor_kind, reason from audit_entry where address = 'a@example.com'`
    expect(audited).toEqual({ action: 'message.release', actorKind: 'command', reason: 'ticket 7' })
    expect(await line.complaint(...args, id, '--yes')).toContain('waits for no decision')
  })

  test('mail of nobody needs an owner, and is his from then on', async () => {
    const raw = bounceOf([{ to: 'lost@example.com' }])
    const id = await keep(raw, { owner: 0, rcptTo: 'fbl@fbl.example.com' })
    const platform = ['quarantine', 'release', '--platform', id, '--yes']
    expect(await line.complaint(...platform)).toContain('say whose it is with --for <tenant>')
    const released = await line.json<object>(...platform, '--for', 'other')
    expect(released).toMatchObject({ concerned: [{ address: 'lost@example.com', isListed: true }] })
    expect(await listed('lost@example.com')).toEqual(['other'])
    expect(await line.run('quarantine', 'ls', '--platform')).not.toContain(id)
    const shown = await line.run('quarantine', 'show', '--tenant', 'other', id)
    expect(shown).toMatch(/outcome {4}recorded, released /)
  })

  test('mail that names nobody stays', async () => {
    const id = await keep('Subject: hello\r\n\r\nis anybody there?')
    expect(await line.complaint(...args, id, '--yes')).toContain(
      'can be put onto a list: unrecognized',
    )
  })
})
