import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parsePathCommand } from '../../src/receive/path-command.ts'
import { openDoor } from './door.ts'

const recipients: [written: string, arrives: string | null][] = [
  ['<bounces@own.example>', 'bounces@own.example'],
  ['<BOUNCES@Own.Example>', 'BOUNCES@Own.Example'],
  ['<bounces@own.example.>', 'bounces@own.example.'],
  ['<bounces@xn--bcher-kva.example>', 'bounces@xn--bcher-kva.example'],
  ['<bounces@bücher.example>', 'bounces@bücher.example'],
  ['<a%evil.example@own.example>', 'a%evil.example@own.example'],
  ['<evil.example!a@own.example>', 'evil.example!a@own.example'],
  ['<"a@evil.example"@own.example>', '"a@evil.example"@own.example'],
  ['<"a\\" b>"@own.example>', '"a\\" b>"@own.example'],
  ['<a@[127.0.0.1]>', 'a@[127.0.0.1]'],
  ['<a@[IPv6:::1]>', 'a@[IPv6:::1]'],
  ['<@own.example:a@evil.example>', 'a@evil.example'],
  ['<@one.example,@own.example:a@evil.example>', 'a@evil.example'],
  ['<postMASTER>', 'postmaster'],
  ['<postmaster@evil.example>', 'postmaster@evil.example'],
  ['<a@evil.example@own.example>', null],
  ['<a@evil.example>@own.example', null],
  ['<a@evil.example> <b@own.example>', null],
  ['<a"@evil.example"@own.example>', 'a"@evil.example"@own.example'],
  ['<"a"@evil.example"@own.example>', null],
  ['<a\\@evil.example@own.example>', null],
  ['<a@own.example\u0000>', null],
  ['<a\u200b@own.example>', null],
  ['<a @own.example>', null],
  ['< a@own.example >', null],
  ['<@own.example>', null],
  ['<bounces>', null],
  ['<>', null],
  ['a@own.example', null],
]

test.each(recipients)('RCPT TO:%s arrives as %s', async (written, arrives) => {
  expect(parsePathCommand('RCPT TO', `RCPT TO:${written}`)?.address ?? null).toBe(arrives)
})

test('what arrives over the wire is what was written', async () => {
  const door = await openDoor()
  const client = await door.connect()
  await client.command('MAIL FROM:<>')

  for (const [written] of recipients) await client.command(`RCPT TO:${written}`)

  expect(door.recipients).toEqual(recipients.map(([, arrives]) => arrives).filter(Boolean))
})

test('no line makes it throw, and what it takes apart can be put together again', () => {
  const line = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc
      .array(fc.constantFrom('<', '>', '@', '"', '\\', 'a', ' ', '.', ':', ',', '[', ']', '=', 'é'))
      .map((parts) => parts.join('')),
  )
  fc.assert(
    fc.property(fc.constantFrom('MAIL FROM' as const, 'RCPT TO' as const), line, (verb, text) => {
      const parsed = parsePathCommand(verb, `${verb}:<${text}`)
      if (parsed === null) return
      expect(text).toContain(parsed.address)
      expect(parsePathCommand(verb, `${verb}:<${parsed.address}>`)?.address).toBe(parsed.address)
    }),
    { numRuns: 2_000 },
  )
})

test('a line as long as the limit is read at once', () => {
  const lines = [
    '"'.repeat(4_000),
    '\\"'.repeat(2_000),
    'a@'.repeat(2_000),
    `a@b>${' '.repeat(4_000)}\v`,
  ]
  for (const text of lines) expect(parsePathCommand('RCPT TO', `RCPT TO:<${text}`)).toBeNull()
})
