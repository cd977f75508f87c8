import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeBase32, encodeBase32 } from '../../src/attribute/base32.ts'
import { messageReferenceOf } from '../../src/attribute/feedback-headers.ts'
import { readKeyExport } from '../../src/attribute/key-export.ts'
import {
  isRecipientOf,
  isReturnPathTokenShaped,
  readReturnPath,
  signReturnPath,
} from '../../src/attribute/return-path-token.ts'
import { openSealed, type SealedToken, sealToken } from '../../src/attribute/sealed-token.ts'
import { isInTime, tokenDay } from '../../src/attribute/token-day.ts'
import { canonicalAddress } from '../../src/feedback/address.ts'
import { findSealedTokens } from '../../src/feedback/sealed-token-text.ts'
import { sampleKey } from '../../src/samples.ts'
import { keyOf, keyringOf } from './keys.ts'

const domain = 'bounces.example.com'
const key = keyOf(7)
const keyring = keyringOf(key)
const claim = { domain, recipient: 'anna@example.net', messageReference: null, day: 20_778 }
const referenced = { ...claim, messageReference: '00112233445566ff' }

describe('a signed return path', () => {
  test.each([
    ['without a reference', claim, 41],
    ['with a reference', referenced, 54],
  ])('%s is read back, however its case was folded', async (_, claimed, length) => {
    const localPart = signReturnPath(key, claimed)
    expect(localPart).toHaveLength(length)
    for (const text of [localPart, localPart.toUpperCase(), swapCase(localPart)]) {
      const token = await readReturnPath(text, domain, keyring.bySlot)
      expect(token).toMatchObject({
        tenantId: 7,
        day: 20_778,
        messageReference: claimed.messageReference,
      })
      expect(token && isRecipientOf(token, 'anna@example.net')).toBe(true)
      expect(token && isRecipientOf(token, 'victim@example.net')).toBe(false)
    }
  })

  test('every changed character is refused', async () => {
    const localPart = signReturnPath(key, referenced)
    for (let at = 1; at < localPart.length; at++) {
      for (const other of ['a', 'b', '7']) {
        const changed = localPart.slice(0, at) + other + localPart.slice(at + 1)
        if (changed === localPart) continue
        expect(await readReturnPath(changed, domain, keyring.bySlot)).toBeNull()
      }
    }
  })

  test('it is worth nothing at another domain, with another key, cut or longer', async () => {
    const localPart = signReturnPath(key, claim)
    const other = keyringOf(keyOf(7, 99))
    expect(await readReturnPath(localPart, 'other.example.com', keyring.bySlot)).toBeNull()
    expect(await readReturnPath(localPart, domain, other.bySlot)).toBeNull()
    expect(await readReturnPath(localPart, domain, keyringOf().bySlot)).toBeNull()
    expect(isReturnPathTokenShaped(localPart.slice(1))).toBe(false)
    expect(isReturnPathTokenShaped(`${localPart}a`)).toBe(false)
  })
})

describe('a sealed token', () => {
  const content: SealedToken = {
    purpose: 'unsubscribe',
    tenantId: 7,
    day: 20_778,
    groupId: 12,
    groupsToDisplay: [12, 13],
    messageReference: '00112233445566ff',
    recipient: 'josé@example.net',
  }

  test('gives back what was sealed, and the same text each time', async () => {
    const text = sealToken(key, content)
    expect(await openSealed(text, keyring.byId)).toEqual(content)
    expect(sealToken(key, content)).toBe(text)
    expect(findSealedTokens(`x ${text} y <https://example.com/u/${text}>`)).toEqual([text])
  })

  test('any content survives', async () => {
    const uint32 = fc.integer({ min: 1, max: 0xffffffff })
    const contents = fc.record({
      purpose: fc.constantFrom('reference', 'unsubscribe', 'preferences'),
      tenantId: fc.constant(7),
      day: fc.integer({ min: 0, max: 65_535 }),
      groupId: fc.option(uint32),
      groupsToDisplay: fc.array(uint32, { maxLength: 25 }),
      messageReference: fc.option(fc.constant('00112233445566ff')),
      recipient: fc.emailAddress(),
    }) as fc.Arbitrary<SealedToken>
    await fc.assert(
      fc.asyncProperty(contents, async (one) => {
        const text = sealToken(key, one)
        expect(await openSealed(text, keyring.byId)).toEqual(one)
        expect(findSealedTokens(text)).toEqual([text])
      }),
    )
  })

  test('every changed character is refused, and so is any other text', async () => {
    const text = sealToken(key, content)
    for (let at = 0; at < text.length; at++) {
      const changed = text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1)
      expect(await openSealed(changed, keyring.byId)).toBeNull()
    }
    for (const other of [`${text}A`, text.slice(0, -1), `${text}=`, text.toLowerCase(), 'hb1_']) {
      expect(await openSealed(other, keyring.byId)).toBeNull()
    }
    await fc.assert(
      fc.asyncProperty(fc.string(), async (rest) => {
        expect(await openSealed(`hb1_${rest}`, keyring.byId)).toBeNull()
      }),
    )
  })

  test('one that names another tenant than its key is refused', async () => {
    expect(await openSealed(sealToken(key, { ...content, tenantId: 8 }), keyring.byId)).toBeNull()
  })
})

describe('the vectors of docs/tokens.md', () => {
  const page = readFileSync(resolve(import.meta.dirname, '../../docs/tokens.md'), 'utf8')
  const vectors = JSON.parse(/```json test-vectors\n([\s\S]*?)```/.exec(page)?.[1] ?? '') as {
    key: { export: string }
    subKeys: Record<string, string>
    returnPaths: { claim: typeof claim; digest: string; localPart: string }[]
    sealed: { content: SealedToken; token: string }[]
    refused: { returnPaths: string[]; sealed: string[]; keyExports: string[] }
    messageReferences: { text: string; reference: string }[]
    addresses: { text: string; canonical: string | null }[]
  }

  test('keys', () => {
    expect(vectors.subKeys).toEqual({
      'rp-mac': sampleKey.returnPathMac.toString('hex'),
      'rp-digest': sampleKey.returnPathDigest.toString('hex'),
      seal: sampleKey.sealMac.toString('hex') + sampleKey.sealCipher.toString('hex'),
    })
    expect(readKeyExport(vectors.key.export)).toEqual(sampleKey)
    expect(vectors.refused.keyExports.map(readKeyExport)).toEqual([null, null, null, null])
  })

  test('return paths', async () => {
    expect(vectors.returnPaths).toHaveLength(2)
    for (const { claim: claimed, digest, localPart } of vectors.returnPaths) {
      expect(signReturnPath(sampleKey, claimed)).toBe(localPart)
      const token = await readReturnPath(localPart, claimed.domain, async () => sampleKey)
      expect(token?.recipientDigest.toString('hex')).toBe(digest)
    }
    for (const localPart of vectors.refused.returnPaths) {
      expect(await readReturnPath(localPart, domain, async () => sampleKey)).toBeNull()
    }
  })

  test('sealed tokens', async () => {
    expect(vectors.sealed.map(({ content }) => content.purpose).sort()).toEqual([
      'preferences',
      'reference',
      'unsubscribe',
    ])
    for (const { content, token } of vectors.sealed) {
      expect(sealToken(sampleKey, content)).toBe(token)
      expect(await openSealed(token, async () => sampleKey)).toEqual(content)
    }
    for (const token of vectors.refused.sealed) {
      expect(await openSealed(token, async () => sampleKey)).toBeNull()
    }
  })

  test('message references and addresses', () => {
    for (const { text, reference } of vectors.messageReferences) {
      expect(messageReferenceOf(text)).toBe(reference)
    }
    for (const { text, canonical } of vectors.addresses) {
      expect(canonicalAddress(text)).toBe(canonical)
    }
  })
})

test('tokens lapse by what they are used for, with a day of grace', () => {
  const issued = tokenDay(new Date('2026-11-21T23:59:59Z'))
  const after = (days: number) => new Date((issued + days) * 86_400_000)
  expect(isInTime(issued, 'bounce', after(31))).toBe(true)
  expect(isInTime(issued, 'bounce', after(32))).toBe(false)
  expect(isInTime(issued, 'complaint', after(181))).toBe(true)
  expect(isInTime(issued, 'complaint', after(182))).toBe(false)
  expect(isInTime(issued, 'unsubscribe', after(9_000))).toBe(true)
  expect(isInTime(issued, 'unsubscribe', after(-1))).toBe(true)
  expect(isInTime(issued, 'bounce', after(-2))).toBe(false)
})

test('base32 has one text for each value', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const text = encodeBase32(bytes)
      expect(decodeBase32(text)).toEqual(Buffer.from(bytes))
      expect(decodeBase32(text.toUpperCase())).toEqual(Buffer.from(bytes))
    }),
  )
  for (const [text, other] of [
    ['kk', '\u212ak'],
    ['ss', 'ſs'],
  ]) {
    expect(decodeBase32(text ?? '')).toBeNull()
    expect(decodeBase32(`aaaaaa${text}`)).not.toBeNull()
    expect(decodeBase32(`aaaaaa${other}`)).toBeNull()
  }
  expect(decodeBase32('ab')).toBeNull()
  expect(decodeBase32('aaa')).toBeNull()
  expect(decodeBase32('a1')).toBeNull()
})

function swapCase(text: string): string {
  return [...text].map((c, index) => (index % 2 ? c.toUpperCase() : c)).join('')
}
