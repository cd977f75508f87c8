import { describe, expect, test } from 'vitest'
import type { ImportTarget } from '../../src/feedback/import-kind.ts'
import { type ImportEntry, readImportRow } from '../../src/feedback/import-row.ts'
import type { SuppressionList } from '../../src/feedback/suppression.ts'
import { createCsvReader } from '../../src/suppression/csv-reader.ts'
import { ImportFileError, sniff } from '../../src/suppression/csv-sniff.ts'

const now = new Date('2026-11-22T12:00:00Z')

/** What a file is taken for, and its rows; a text is what is wrong with a row. */
function read(file: string, target: Partial<ImportTarget> = {}) {
  const bytes = Buffer.from(file)
  const whole: ImportTarget = { list: null, groupId: 0, bounceClass: 'hard', ...target }
  const dialect = sniff(bytes, true, { list: whole.list, format: null })
  const reader = createCsvReader(dialect.delimiter)
  const records = [...reader.write(bytes), ...reader.end()].slice(dialect.hasHeader ? 1 : 0)
  const rows = records.map((record) => {
    if ('fault' in record) return record.fault
    const row = readImportRow(record.fields, dialect, whole, now)
    return typeof row === 'string' ? row : short(row)
  })
  return { format: dialect.format, list: dialect.list, rows }
}

/** Without what is null. */
function short(entry: ImportEntry): object {
  const { groupId, ...rest } = entry
  const said = Object.entries(rest).filter(([, value]) => value !== null)
  return { ...Object.fromEntries(said), ...(groupId === 0 ? {} : { groupId }) }
}

const day = (text: string) => new Date(text)

describe('exports of providers', () => {
  test('SendGrid: bounces and blocks', () => {
    const file =
      'status,reason,email,created\n5.1.1,"550 5.1.1 No such user, sorry",A@Example.com,1790083507\n,,b@example.com,1790083508'
    expect(read(file, { list: 'bounces' })).toEqual({
      format: 'sendgrid',
      list: 'bounces',
      rows: [
        {
          list: 'bounces',
          address: 'a@example.com',
          bounceClass: 'hard',
          status: '5.1.1',
          reason: '550 5.1.1 No such user, sorry',
          source: 'sendgrid export',
          since: day('2026-09-22T13:25:07Z'),
        },
        {
          list: 'bounces',
          address: 'b@example.com',
          bounceClass: 'hard',
          source: 'sendgrid export',
          since: day('2026-09-22T13:25:08Z'),
        },
      ],
    })
    expect(read(file, { list: 'bounces', bounceClass: 'block' }).rows).toMatchObject([
      { bounceClass: 'block' },
      { bounceClass: 'block' },
    ])
  })

  test.each<[string, string, SuppressionList | null, object]>([
    [
      'invalid addresses',
      'reason,email,created\nMail domain mentioned in email address is unknown,a@nowhere.example,1714060800',
      'bounces',
      { list: 'bounces', bounceClass: 'hard' },
    ],
    [
      'spam reports',
      'ip,email,created\n192.0.2.7,a@example.com,1714060800',
      'spam_reports',
      { list: 'spam_reports', source: 'sendgrid export, 192.0.2.7' },
    ],
    [
      'unsubscribes',
      'email,created\na@example.com,1714060800',
      null,
      { list: 'global_unsubscribes', source: 'sendgrid export' },
    ],
  ])('SendGrid: %s', (_name, file, list, row) => {
    const target = list ?? 'global_unsubscribes'
    expect(read(file, { list: target })).toMatchObject({
      format: 'sendgrid',
      list,
      rows: [{ ...row, since: day('2024-04-25T16:00:00Z') }],
    })
  })

  test('Mailgun: bounces, with the reply code before the text', () => {
    const file = [
      'address,code,error,created_at',
      'a@example.com,550,5.1.1 No such user,"Thu, 13 Oct 2011 18:02:00 UTC"',
      'b@example.com,550,550 gone,"Thu, 13 Oct 2011 18:02:00 +0200"',
      'c@example.com,605,,',
    ].join('\r\n')
    expect(read(file, { list: 'bounces' })).toMatchObject({
      format: 'mailgun',
      list: 'bounces',
      rows: [
        { reason: '550 5.1.1 No such user', since: day('2011-10-13T18:02:00Z') },
        { reason: '550 gone', since: day('2011-10-13T16:02:00Z') },
        { reason: '605', source: 'mailgun export' },
      ],
    })
  })

  test('Mailgun: unsubscribes from a tag are none from everything', () => {
    const file =
      'address,tags,created_at\na@example.com,*,\nb@example.com,"[""*""]",\nc@example.com,news,\nd@example.com,,'
    expect(read(file, { list: 'global_unsubscribes' })).toMatchObject({
      format: 'mailgun',
      list: 'global_unsubscribes',
      rows: [
        { address: 'a@example.com' },
        { address: 'b@example.com' },
        'Unsubscribed from single tags only: import it into a group',
        { address: 'd@example.com' },
      ],
    })
    expect(read(file, { list: 'group_unsubscribes', groupId: 7 }).rows[2]).toMatchObject({
      address: 'c@example.com',
      list: 'group_unsubscribes',
      groupId: 7,
    })
  })

  test('Mailgun: complaints', () => {
    expect(read('address,created_at\na@example.com,', { list: 'spam_reports' })).toMatchObject({
      format: 'mailgun',
      list: 'spam_reports',
      rows: [{ source: 'mailgun export' }],
    })
  })

  test('Postmark says of each row where it belongs', () => {
    const file = [
      'EmailAddress,SuppressionReason,Origin,CreatedAt',
      'a@example.com,HardBounce,Recipient,2019-12-17T08:58:33-05:00',
      'b@example.com,SpamComplaint,Recipient,2019-12-17T08:58:33-05:00',
      'c@example.com,ManualSuppression,Customer,2019-12-17T08:58:33-05:00',
    ].join('\n')
    const since = day('2019-12-17T13:58:33Z')
    expect(read(file)).toMatchObject({
      format: 'postmark',
      rows: [
        { list: 'bounces', bounceClass: 'hard', since, source: 'postmark export' },
        { list: 'spam_reports', since, source: 'postmark export' },
        { list: 'global_unsubscribes', since },
      ],
    })
    expect(read(file, { list: 'bounces' }).rows).toMatchObject([
      { list: 'bounces' },
      'Belongs on spam_reports, not on bounces',
      'Belongs on global_unsubscribes, not on bounces',
    ])
  })

  test.each([
    ['EmailAddress,Reason,LastUpdateTime', '2020-04-10T21:03:05.000000+00:00'],
    ['Email address,Suppression reason,Last updated', '2020-04-10T21:03:05Z'],
    ['EmailAddress,Reason,LastUpdateTime', '1586552585.0'],
  ])('Amazon SES: %s', (header, time) => {
    const file = `${header}\na@example.com,BOUNCE,${time}\nb@example.com,COMPLAINT,${time}`
    const since = day('2020-04-10T21:03:05Z')
    expect(read(file)).toMatchObject({
      format: 'ses',
      rows: [
        { list: 'bounces', bounceClass: 'hard', since, source: 'ses export' },
        { list: 'spam_reports', since, source: 'ses export' },
      ],
    })
  })

  test('Mandrill: what has expired there is no longer suppressed', () => {
    const file = [
      'email,reason,detail,created_at,last_event_at,expires_at,expired,subaccount',
      'a@example.com,hard-bounce,550 mailbox does not exist,2013-01-01 15:30:27,,,false,',
      'b@example.com,soft-bounce,552 over quota,2013-01-01 15:30:27,,,false,',
      'c@example.com,spam,,2013-01-01 15:30:27,,,false,',
      'd@example.com,unsub,,2013-01-01 15:30:27,,,false,',
      'e@example.com,custom,by support,2013-01-01 15:30:27,,,false,',
      'f@example.com,soft-bounce,552 over quota,2013-01-01 15:30:27,,2013-01-02 15:30:27,true,',
    ].join('\n')
    const since = day('2013-01-01T15:30:27Z')
    expect(read(file)).toMatchObject({
      format: 'mandrill',
      rows: [
        { list: 'bounces', bounceClass: 'hard', reason: '550 mailbox does not exist', since },
        { list: 'bounces', bounceClass: 'soft', reason: '552 over quota' },
        { list: 'spam_reports' },
        { list: 'global_unsubscribes' },
        { list: 'global_unsubscribes' },
        'Has expired at the provider',
      ],
    })
  })

  test('a file of several kinds says in each row which', () => {
    const file =
      'type,email\nbounce,a@example.com\nspam,b@example.com\nunsubscribe,c@example.com\nblocked,d@example.com\nx,e@example.com\ngroup_unsubscribe,f@example.com'
    expect(read(file).rows).toMatchObject([
      { list: 'bounces', bounceClass: 'hard' },
      { list: 'spam_reports' },
      { list: 'global_unsubscribes' },
      { list: 'bounces', bounceClass: 'block' },
      'Unknown type "x"',
      'Belongs to a group: say which',
    ])
    expect(read(file, { groupId: 3 }).rows[5]).toMatchObject({
      list: 'group_unsubscribes',
      groupId: 3,
    })
  })
})

describe('files of anybody', () => {
  const bounces = { list: 'bounces' } as const

  test.each([
    ['header in any case, order and spelling', 'Reason, E-Mail \nfull,a@example.com'],
    ['semicolons', 'email;reason\na@example.com;full'],
    ['tabs', 'email\treason\na@example.com\tfull'],
    ['bars', 'email|reason\na@example.com|full'],
    ['no header', 'a@example.com,full'],
    ['no header, semicolons', 'a@example.com;full'],
    ['quotes everywhere', '"email","reason"\n"a@example.com","full"'],
    ['blank lines first', '\r\n\r\nemail,reason\r\na@example.com,full'],
    ['spaces', 'email , reason\n a@example.com , full '],
  ])('%s', (_name, file) => {
    expect(read(file, bounces)).toMatchObject({
      format: 'plain',
      rows: [{ address: 'a@example.com', reason: 'full', bounceClass: 'hard' }],
    })
  })

  test('status, bounce_type and created where they have them', () => {
    const file = [
      'email,status,bounce_type,created',
      'a@example.com,4.2.2,soft,2026-01-02',
      'b@example.com,250,,04/05/2026',
      'c@example.com,,Block,99999999999',
      'd@example.com,,loud,',
    ].join('\n')
    expect(read(file, bounces).rows).toEqual([
      {
        list: 'bounces',
        address: 'a@example.com',
        status: '4.2.2',
        bounceClass: 'soft',
        since: day('2026-01-02T00:00:00Z'),
      },
      { list: 'bounces', address: 'b@example.com', bounceClass: 'hard' },
      { list: 'bounces', address: 'c@example.com', bounceClass: 'block' },
      'bounce_type must be hard, soft or block',
    ])
  })

  test('the second column of spam reports without a header is their source', () => {
    expect(read('a@example.com,ticket 1', { list: 'spam_reports' }).rows).toEqual([
      { list: 'spam_reports', address: 'a@example.com', source: 'ticket 1' },
    ])
  })

  test('a header alone is a file without rows', () => {
    expect(read('email,reason', bounces).rows).toEqual([])
  })

  test('the first row may be wrong', () => {
    expect(read('nobody\na@example.com', bounces).rows).toMatchObject([
      'Invalid email format',
      { address: 'a@example.com' },
    ])
    expect(read('a@@b', bounces).rows).toEqual(['Invalid email format'])
  })

  test('addresses that spreadsheets would take for formulas come back', () => {
    const file = `email,reason\n'+a@example.com,'=1+1\n''=b@example.com,'quoted'`
    expect(read(file, bounces).rows).toMatchObject([
      { address: '+a@example.com', reason: '=1+1' },
      { address: "'=b@example.com", reason: "'quoted'" },
    ])
  })

  test('unreadable bytes make an address wrong, and words no worse than unreadable', () => {
    const bytes = Buffer.from('a\xff@example.com,x\nb@example.com,voll\xe4\n', 'latin1')
    const dialect = sniff(bytes, true, { list: 'bounces', format: null })
    const rows = createCsvReader(',').write(bytes)
    const target = { list: 'bounces', groupId: 0, bounceClass: 'hard' } as const
    expect(
      rows.map((row) => 'fields' in row && readImportRow(row.fields, dialect, target, now)),
    ).toMatchObject(['Not valid UTF-8', { address: 'b@example.com', reason: 'voll\ufffd' }])
  })

  test.each([
    ['', 'The file is empty: expected CSV with a column email'],
    ['\r\n \n', 'The file is empty: expected CSV with a column email'],
    [
      'name,phone\nJane,1',
      'No column of email addresses: expected a header with email, or addresses in the first column; found "name,phone"',
    ],
    [
      '{"email":"x"}',
      'No column of email addresses: expected a header with email, or addresses in the first column; found "{\\"email\\":\\"x\\"}"',
    ],
  ])('%j is no file of addresses', (file, message) => {
    expect(() => read(file, bounces)).toThrow(new ImportFileError(message))
  })
})
