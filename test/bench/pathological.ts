import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createParser } from '../../src/parse/parse.ts'

const head = [
  'From: MAILER-DAEMON@mx.example.net',
  'Subject: Undelivered Mail Returned to Sender',
  'MIME-Version: 1.0',
]
const reportType = 'Content-Type: multipart/report; report-type=delivery-status; boundary="b"'
const statusPart = (blocks: number) =>
  [
    '--b',
    'Content-Type: message/delivery-status',
    '',
    'Reporting-MTA: dns; mx.example.net',
    '',
    ...Array.from({ length: blocks }, (_, n) =>
      [
        `Final-Recipient: rfc822; r${n}@example.com`,
        'Action: failed',
        'Status: 5.1.1',
        'Diagnostic-Code: smtp; 550 5.1.1 User unknown',
        '',
      ].join('\r\n'),
    ),
  ].join('\r\n')

function report({
  fields = [] as string[],
  text = 'failed',
  blocks = 1,
  returned = '',
} = {}): string {
  const parts = [
    ...head,
    ...fields,
    reportType,
    '',
    '--b',
    'Content-Type: text/plain',
    '',
    text,
    statusPart(blocks),
    '--b',
    'Content-Type: message/rfc822',
    '',
    'Subject: returned',
    '',
    returned,
    '--b--',
    '',
  ]
  return parts.join('\r\n')
}

/** What readers of mail die of; each with the number of recipients that are there to be found. */
export const pathological: Record<string, { recipients: number; make: () => string }> = {
  '20 MB report, attachment returned': {
    recipients: 1,
    make: () => report({ returned: `${'QUJD'.repeat(18)}\r\n`.repeat(270_000) }),
  },
  'field folded over 3 MB': {
    recipients: 1,
    make: () => report({ fields: [`X-Long: a${'\r\n b'.repeat(750_000)}`] }),
  },
  'line of 3 MB': { recipients: 1, make: () => report({ text: 'x'.repeat(3_000_000) }) },
  '100,000 fields': {
    recipients: 1,
    make: () => report({ fields: Array.from({ length: 100_000 }, (_, n) => `X-${n}: ${n}`) }),
  },
  '2,000 nested multiparts': {
    recipients: 0,
    make: () =>
      [
        ...head,
        ...Array.from({ length: 2_000 }, (_, n) =>
          [`Content-Type: multipart/mixed; boundary="n${n}"`, '', `--n${n}`].join('\r\n'),
        ),
        'Content-Type: text/plain',
        '',
        'deep',
      ].join('\r\n'),
  },
  '5,000 recipients': { recipients: 5_000, make: () => report({ blocks: 5_000 }) },
  '1.5 MB of <div>': {
    recipients: 0,
    make: () => [...head, 'Content-Type: text/html', '', '<div>'.repeat(300_000)].join('\r\n'),
  },
  '0.75 MB of nested tables': {
    recipients: 0,
    make: () =>
      [...head, 'Content-Type: text/html', '', '<table><tr><td>'.repeat(50_000)].join('\r\n'),
  },
  '1 MB of To groups': {
    recipients: 1,
    make: () => report({ fields: [`To: ${'g:'.repeat(500_000)}`] }),
  },
  '1 MB of To addresses': {
    recipients: 1,
    make: () => report({ fields: [`To: ${'a,'.repeat(500_000)}`] }),
  },
  '1,000,000 parts': {
    recipients: 0,
    make: () =>
      [
        ...head,
        'Content-Type: multipart/mixed; boundary="p"',
        '',
        '--p\r\n\r\n'.repeat(1_000_000),
      ].join('\r\n'),
  },
  '20 MB of bad base64': {
    recipients: 0,
    make: () =>
      [
        ...head,
        'Content-Type: text/plain',
        'Content-Transfer-Encoding: base64',
        '',
        '*'.repeat(20_000_000),
      ].join('\r\n'),
  },
}

/** Each in a process of its own: time of one reading, memory above that of an idle process. */
export async function benchPathological(): Promise<void> {
  for (const [name, { recipients }] of Object.entries(pathological)) {
    const child = fork(new URL(import.meta.url), [name])
    const [{ ms, megabytes, found }] = (await once(child, 'message')) as [Reading]
    await once(child, 'exit')
    const verdict =
      found >= recipients ? `${found} recipients` : `${found} of ${recipients} recipients`
    const figures = `${ms.toFixed(0).padStart(5)} ms  ${megabytes.toFixed(0).padStart(4)} MB`
    console.log(`${name.padEnd(36)} ${figures}  ${verdict}`)
  }
}

type Reading = { ms: number; megabytes: number; found: number }

async function readOne(name: string): Promise<Reading> {
  const raw = Buffer.from(pathological[name]?.make() ?? '')
  const parser = createParser()
  globalThis.gc?.()
  const before = process.memoryUsage().rss
  let peak = before
  const begin = performance.now()
  const found = await parser.parse(raw)
  const ms = performance.now() - begin
  peak = Math.max(peak, process.resourceUsage().maxRSS * 1024)
  await parser.close()
  return {
    ms,
    megabytes: (peak - before) / 1024 / 1024,
    found: found.type === 'delivery-status' ? found.recipients.length : 0,
  }
}

if (process.send) {
  process.send(await readOne(process.argv[2] ?? ''))
  process.disconnect()
}
