import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { readStrictHeader, unfoldedValue } from '../../src/attribute/dkim-header.ts'
import { usableKey } from '../../src/attribute/dkim-key.ts'
import { readSignature, readTags } from '../../src/attribute/dkim-signature.ts'
import { dkimThreadDefaults } from '../../src/attribute/dkim-thread.ts'
import { createSenderVerifier } from '../../src/attribute/verified-sender.ts'
import { field, readHeader } from '../../src/parse/header.ts'
import { parseReport } from '../../src/parse/report.ts'
import { loops, reportText, rsaKeys, signed, zone } from './signed-mail.ts'

const at = new Date('2026-11-21T10:00:00Z')
const keys = rsaKeys()
const d = 'arf.provider.example'
const senders = createSenderVerifier({
  loops,
  resolveTxt: zone({ 's1._domainkey.arf.provider.example': [keys.record] }),
  thread: dkimThreadDefaults,
})
afterAll(() => senders.close())

const message = signed(reportText(), keys, { d })
/** Pieces that matter to readers of headers. */
const piece = fc.constantFrom(
  'From: a@b.example',
  'From : a@b.example',
  'from:x@y.example',
  'Content-Type: text/plain',
  'To: z@y.example',
  'X: y',
  ' folded',
  '\tfolded',
  '',
  'no field',
  '\r\n',
  '\n',
  '\r',
  '\0',
  '\u00ef\u00bb\u00bf',
  'From a@b.example now',
  ': empty',
  'DKIM-Signature: v=1; d=x; b=',
)
const anyHeader = fc
  .array(fc.oneof(piece, fc.string({ maxLength: 20 })), { maxLength: 12 })
  .chain((parts) => fc.constantFrom('\r\n', '\n', '\r').map((newline) => parts.join(newline)))

describe('a header that is read strictly', () => {
  test('is read alike by the reader of reports', () => {
    let read = 0
    fc.assert(
      fc.property(anyHeader, (text) => {
        const bytes = Buffer.from(`${text}\r\n\r\nbody`, 'latin1')
        const strict = readStrictHeader(bytes)
        if (strict === null || strict.fields.length === 0) return
        read++
        const lenient = readHeader(bytes.toString('latin1'), 0, bytes.length)
        expect(strict.fields.map(({ name }) => name)).toEqual(lenient.names)
        expect(strict.bodyStart).toBe(lenient.bodyStart)
        const [first] = strict.fields
        if (first)
          expect(unfoldedValue(first).split(/\s+/)).toEqual(
            field(lenient, first.name)?.split(/\s+/),
          )
      }),
      { numRuns: 3_000 },
    )
    expect(read).toBeGreaterThan(50)
  })

  test('never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        const header = readStrictHeader(Buffer.from(bytes))
        for (const one of header?.fields ?? []) if (header) readSignature(one, header, at)
      }),
    )
  })
})

test('tags and keys are read without an exception', () => {
  const tags = fc.array(
    fc.constantFrom('v=1', 'v=DKIM1', 'p=AAAA', 'p=', 'k=rsa', 't=y', 'h=', '=', ';', ' '),
  )
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        tags.map((list) => list.join(';')),
      ),
      (text) => {
        readTags(text)
        usableKey({ algorithm: 'rsa-sha256', domain: d, identityDomain: d }, [text])
      },
    ),
  )
})

test('what is changed on the way is not verified, or says the same', async () => {
  const original = parseReport(Buffer.from(message))
  const change = fc.oneof(
    fc.record({ at: fc.nat(message.length), text: piece.map((text) => `${text}\r\n`) }),
    fc.record({ at: fc.nat(message.length), text: fc.string({ maxLength: 3 }) }),
    fc.record({ at: fc.constant(0), text: piece.map((text) => `${text}\r\n`) }),
  )
  let verified = 0
  await fc.assert(
    fc.asyncProperty(change, fc.nat(2), async ({ at: position, text }, cut) => {
      const changed = message.slice(0, position) + text + message.slice(position + cut)
      const verdict = await senders.verify(Buffer.from(changed, 'latin1'), at)
      if (verdict.result !== 'verified') return
      verified++
      const report = parseReport(Buffer.from(changed, 'latin1'))
      expect(report).toMatchObject({
        type: 'feedback-report',
        recipients: original?.type === 'feedback-report' ? original.recipients : [],
      })
      expect(verdict.to).toEqual(['fbl@verified.example.com'])
    }),
    { numRuns: 400 },
  )
  expect(verified).toBeGreaterThan(5)
})

test('no bytes make the verifier reject', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
      expect((await senders.verify(Buffer.from(bytes), at)).result).toBe('unverified')
    }),
  )
})
