import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { abuseReport, deliveryStatus, outOfOffice } from '../e2e/mail.ts'
import { hearback } from '../support/daemon.ts'

type Row = { file: string; type: string; recipients: Record<string, unknown>[] }

async function parse(args: string[], input = ''): Promise<{ code: number | null; rows: Row[] }> {
  const { code, stdout } = await hearback(['parse', '--json', ...args], { input })
  return {
    code,
    rows: stdout
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line)),
  }
}

test('parse says what a message on standard input means', async () => {
  const { code, rows } = await parse(['-'], deliveryStatus([{ address: 'jane@customer.example' }]))
  expect(code).toBe(0)
  expect(rows).toMatchObject([
    {
      file: '-',
      type: 'delivery-status',
      reportingMta: 'mta.example.net',
      recipients: [
        {
          finalRecipient: 'jane@customer.example',
          action: 'failed',
          status: '5.1.1',
          replyCode: 550,
          bounceClass: 'hard',
        },
      ],
    },
  ])
})

test('parse goes through folders, and on past what it cannot read', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'hearback-parse-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'a.eml'), abuseReport('jane@customer.example'))
  await writeFile(join(folder, 'b.eml'), outOfOffice('jane@customer.example'))
  await writeFile(join(folder, 'c.eml'), '')
  const missing = join(folder, 'missing')
  const { code, rows } = await parse([missing, folder])
  expect(code).toBe(66)
  expect(rows.map(({ type }) => type)).toEqual([
    'feedback-report',
    'automatic-response',
    'unrecognized',
  ])
})

test('classify answers every line, in order', async () => {
  const input = '550 5.1.1 User unknown\n\n452 4.2.2 Mailbox full\n'
  const { code, stdout } = await hearback(['classify', '--json'], { input })
  const rows = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(code).toBe(0)
  expect(rows).toMatchObject([
    { bounceClass: 'hard', status: '5.1.1', replyCode: 550 },
    { status: null, replyCode: null },
    { bounceClass: 'soft', status: '4.2.2', replyCode: 452 },
  ])
})

test.each([['parse'], ['classify']])(
  '%s of a file that is not there is one line',
  async (command) => {
    const { code, stdout, stderr } = await hearback([command, '/nowhere/mail'])
    expect(code).toBeGreaterThan(0)
    expect(stdout).toBe('')
    expect(stderr).toMatch(/^hearback: cannot read \/nowhere\/mail: .+\n$/)
  },
)
