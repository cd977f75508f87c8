import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { messageReferenceOf } from '../../src/attribute/feedback-headers.ts'
import { readKeyExport, writeKeyExport } from '../../src/attribute/key-export.ts'
import { readReturnPath, signReturnPath } from '../../src/attribute/return-path-token.ts'
import { openSealed, sealToken } from '../../src/attribute/sealed-token.ts'

const hasPython = spawnSync('python3', ['--version']).status === 0

const uint32 = fc.integer({ min: 1, max: 0xffffffff })
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const reference = fc.option(fc.uint8Array({ minLength: 8, maxLength: 8 }).map(hex))
const recipients = fc.oneof(
  fc.emailAddress(),
  fc.constantFrom('josé@xn--bcher-kva.example', 'i\u0307@example.com', '"a b"@example.com'),
)
const day = fc.integer({ min: 0, max: 0xffff })
const exportedKeys = fc
  .record({
    id: uint32,
    tenantId: uint32,
    slot: fc.nat(255),
    root: fc.uint8Array({ minLength: 32, maxLength: 32 }),
  })
  .map(({ root, ...identity }) => writeKeyExport(identity, Buffer.from(root)))
const mails = fc.record({
  exported: exportedKeys,
  claim: fc.record({
    domain: fc.domain(),
    recipient: recipients,
    messageReference: reference,
    day,
  }),
  content: fc.record({
    purpose: fc.constantFrom('reference' as const, 'unsubscribe' as const, 'preferences' as const),
    day,
    groupId: fc.option(uint32),
    groupsToDisplay: fc.array(uint32, { maxLength: 25 }),
    messageReference: reference,
    recipient: recipients,
  }),
  messageId: fc.string({ unit: 'grapheme', minLength: 1 }),
})

describe.skipIf(!hasPython)('a program in Python, written from docs/tokens.md', () => {
  const samples = fc.sample(mails, { numRuns: 200, seed: 1 }).map(({ exported, ...mail }) => {
    const key = readKeyExport(exported)
    if (key === null) throw new Error(`${exported} is an exported key`)
    const content = { ...mail.content, tenantId: key.tenantId }
    return { ...mail, exported, key, content }
  })

  test('makes the same tokens as we do', () => {
    const asked = samples.flatMap(({ exported, claim, content, messageId }) => [
      { op: 'signReturnPath', export: exported, claim },
      { op: 'seal', export: exported, content },
      { op: 'messageReference', text: messageId },
    ])
    const ours = samples.flatMap(({ key, claim, content, messageId }) => [
      signReturnPath(key, claim),
      sealToken(key, content),
      messageReferenceOf(messageId),
    ])
    expect(ask(asked)).toEqual(ours)
  })

  test('reads ours, and we read its', async () => {
    const made = ask(
      samples.flatMap(({ exported, claim, content }) => [
        { op: 'signReturnPath', export: exported, claim },
        { op: 'seal', export: exported, content },
      ]),
    ) as string[]
    const read = ask(
      samples.flatMap(({ exported, key, claim, content }) => [
        {
          op: 'readReturnPath',
          export: exported,
          domain: claim.domain,
          localPart: signReturnPath(key, claim).toUpperCase(),
        },
        { op: 'open', export: exported, token: sealToken(key, content) },
      ]),
    )
    for (const [at, { key, claim, content }] of samples.entries()) {
      const { tenantId } = key
      const { day, messageReference } = claim
      const token = await readReturnPath(made[2 * at] ?? '', claim.domain, async () => key)
      expect(token).toMatchObject({ tenantId, day, messageReference })
      const digest = token?.recipientDigest.toString('hex')
      expect(read[2 * at]).toEqual({ tenantId, day, messageReference, digest })
      expect(await openSealed(made[2 * at + 1] ?? '', async () => key)).toEqual(content)
      expect(read[2 * at + 1]).toEqual(content)
    }
  })

  test('agrees with the vectors of the page', () => {
    const page = readFileSync(resolve(import.meta.dirname, '../../docs/tokens.md'), 'utf8')
    const vectors = JSON.parse(/```json test-vectors\n([\s\S]*?)```/.exec(page)?.[1] ?? '') as {
      key: { export: string }
      subKeys: Record<string, string>
      returnPaths: { claim: { domain: string }; localPart: string }[]
      sealed: { content: object; token: string }[]
      refused: { returnPaths: string[]; sealed: string[] }
    }
    const key = { export: vectors.key.export }
    const { returnPaths, sealed, refused } = vectors
    expect(
      ask([
        { op: 'key', ...key },
        ...returnPaths.map(({ claim }) => ({ op: 'signReturnPath', ...key, claim })),
        ...sealed.map(({ content }) => ({ op: 'seal', ...key, content })),
        ...sealed.map(({ token }) => ({ op: 'open', ...key, token })),
        ...refused.sealed.map((token) => ({ op: 'open', ...key, token })),
        ...refused.returnPaths.map((localPart) => ({
          op: 'readReturnPath',
          ...key,
          domain: 'bounces.example.com',
          localPart,
        })),
      ]),
    ).toEqual([
      vectors.subKeys,
      ...returnPaths.map(({ localPart }) => localPart),
      ...sealed.map(({ token }) => token),
      ...sealed.map(({ content }) => content),
      ...refused.sealed.map(() => null),
      ...refused.returnPaths.map(() => null),
    ])
  })
})

function ask(requests: readonly object[]): unknown[] {
  const input = requests.map((request) => `${JSON.stringify(request)}\n`).join('')
  const script = join(import.meta.dirname, 'python-token.py')
  const { stdout, stderr, status } = spawnSync('python3', [script], {
    input,
    encoding: 'utf8',
    maxBuffer: 10_000_000,
  })
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 })
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown)
}
