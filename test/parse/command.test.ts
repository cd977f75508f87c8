import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { deliveryReport, multipartReport } from './message-text.ts'

const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url))
let folder = ''

const bounce = deliveryReport(`Reporting-MTA: dns; mx.example.net

Final-Recipient: rfc822; gone@example.com
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 User unknown

Final-Recipient: rfc822; slow@example.com
Action: delayed
Status: 4.4.1
`)
const complaint = multipartReport('feedback-report', [
  'Content-Type: message/feedback-report\n\nFeedback-Type: abuse\nOriginal-Rcpt-To: user@example.com',
])

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hearback-parse-'))
  mkdirSync(join(folder, 'more'))
  writeFileSync(join(folder, 'a.eml'), bounce)
  writeFileSync(join(folder, 'more', 'b.eml'), complaint)
  writeFileSync(join(folder, 'z.eml'), '')
})
afterAll(() => rmSync(folder, { recursive: true }))

function parse(args: readonly string[], input: Buffer = Buffer.alloc(0)) {
  const done = spawnSync(process.execPath, [main, 'parse', ...args], { input, encoding: 'utf8' })
  return { ...done, rows: done.stdout.split('\n').filter((line) => line !== '') }
}

describe('hearback parse', () => {
  it('prints one promised line for each message of a folder, sorted', () => {
    const { rows, status } = parse(['--json', folder])
    expect(status).toBe(0)
    expect(rows.map((row) => JSON.parse(row))).toEqual([
      {
        file: join(folder, 'a.eml'),
        type: 'delivery-status',
        format: 'rfc3464',
        feedbackType: null,
        reportingMta: 'mx.example.net',
        recipients: [
          {
            finalRecipient: 'gone@example.com',
            originalRecipient: null,
            action: 'failed',
            status: '5.1.1',
            replyCode: 550,
            diagnosticCode: '550 5.1.1 User unknown',
            remoteMta: null,
            bounceClass: 'hard',
            reason: 'user-unknown',
            rule: expect.any(String),
          },
          {
            finalRecipient: 'slow@example.com',
            originalRecipient: null,
            action: 'delayed',
            status: '4.4.1',
            replyCode: null,
            diagnosticCode: null,
            remoteMta: null,
            bounceClass: 'soft',
            reason: expect.any(String),
            rule: expect.any(String),
          },
        ],
      },
      {
        file: join(folder, 'more', 'b.eml'),
        type: 'feedback-report',
        format: 'arf',
        feedbackType: 'abuse',
        reportingMta: null,
        recipients: [{ finalRecipient: 'user@example.com' }],
      },
      {
        file: join(folder, 'z.eml'),
        type: 'unrecognized',
        format: 'unknown',
        feedbackType: null,
        reportingMta: null,
        recipients: [],
      },
    ])
  })

  it('reads standard input', () => {
    const { rows } = parse(['--json', '-'], bounce)
    expect(JSON.parse(rows[0] ?? '')).toMatchObject({ file: '-', type: 'delivery-status' })
  })

  it('prints it for people, with the reasons when asked', () => {
    const { stdout } = parse(['--explain', join(folder, 'a.eml')])
    expect(stdout).toContain('delivery-status (rfc3464) from mx.example.net')
    expect(stdout).toContain('gone@example.com failed 5.1.1 550 hard user-unknown')
    expect(stdout).toMatch(/gone@example\.com: [\w.-]+ \(/)
  })

  it('follows rules of your own, as the daemon does', () => {
    const rules = mkdtempSync(join(tmpdir(), 'hearback-rules-'))
    const rule = {
      name: 'own-unknown-user',
      text: 'user unknown',
      bounceClass: 'block',
      reason: 'policy',
      example: '550 5.1.1 User unknown',
      source: 'https://ops.example/rules',
    }
    writeFileSync(join(rules, '10-own.json'), JSON.stringify({ about: 'ours', rules: [rule] }))
    const { stdout } = parse(['--own-rules', rules, join(folder, 'a.eml')])
    rmSync(rules, { recursive: true })
    expect(stdout).toContain('gone@example.com failed 5.1.1 550 block')
  })

  it('lets no message turn round what a terminal shows', () => {
    const { stdout } = parse(
      ['-'],
      deliveryReport(`Reporting-MTA: dns; mx.example.net

Final-Recipient: rfc822; gone@example.com
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 User \u202enwonknu
`),
    )
    expect(stdout).toContain('\\u{202e}nwonknu')
  })

  it('names what it cannot read, ends with 66, and has done the others', () => {
    const { rows, status, stderr } = parse(['--json', join(folder, 'missing.eml'), folder])
    expect(status).toBe(66)
    expect(stderr).toContain('missing.eml')
    expect(rows).toHaveLength(3)
  })
})
