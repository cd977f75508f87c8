import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readKeyExport, writeKeyExport } from '../../src/attribute/key-export.ts'
import {
  isRecipientOf,
  readReturnPath,
  signReturnPath,
} from '../../src/attribute/return-path-token.ts'
import { openSealed, type SealedToken, sealToken } from '../../src/attribute/sealed-token.ts'
import { deriveSigningKey } from '../../src/attribute/signing-key.ts'
import { keyOf, keyringOf } from './keys.ts'

// Two tenants with their keys in the same slots: nothing but the keys themselves tells them apart.
const own = keyOf(7)
const foreign = keyOf(8)
const keyring = keyringOf(own, foreign)
const domain = 'bounces.example.com'

/** Every character that could stand in mail, and some that fold to letters. */
const characters = [
  ...Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)),
  ...['\u212a', 'ſ', 'ı', 'İ', '\u3000', '\u200b', '😀'],
]

const uint32 = fc.integer({ min: 1, max: 0xffffffff })
const reference = fc.option(
  fc.uint8Array({ minLength: 8, maxLength: 8 }).map((bytes) => Buffer.from(bytes).toString('hex')),
)
const day = fc.integer({ min: 0, max: 0xffff })
const domains = fc.constantFrom(domain, 'bounces.example.org', 'b.example')
const claims = fc.record({
  domain: domains,
  recipient: fc.emailAddress(),
  messageReference: reference,
  day,
})
const contents = fc.record({
  purpose: fc.constantFrom('reference' as const, 'unsubscribe' as const, 'preferences' as const),
  tenantId: fc.constant(own.tenantId),
  day,
  groupId: fc.option(uint32),
  groupsToDisplay: fc.array(uint32, { maxLength: 25 }),
  messageReference: reference,
  recipient: fc.emailAddress().map((address) => address.toLowerCase()),
})

/** Anything that somebody might do to a text who cannot sign. */
const changes = fc.array(
  fc.record({
    at: fc.nat(100),
    remove: fc.nat(3),
    insert: fc.string({ unit: fc.constantFrom(...characters), maxLength: 3 }),
  }),
  { minLength: 1, maxLength: 4 },
)

describe('a return path', () => {
  test.each([null, '00112233445566ff'])(
    'any single character changed: none is believed (reference %s)',
    async (messageReference) => {
      const claim = { domain, recipient: 'anna@example.net', messageReference, day: 20_778 }
      const localPart = signReturnPath(own, claim)
      const believed: string[] = []
      for (let at = 0; at < localPart.length; at++) {
        for (const character of characters) {
          const changed = localPart.slice(0, at) + character + localPart.slice(at + 1)
          if (changed.toLowerCase() === localPart && /^[\x20-\x7e]+$/.test(changed)) continue
          if (await readReturnPath(changed, domain, keyring.bySlot)) believed.push(changed)
        }
      }
      expect(believed).toEqual([])
    },
  )

  test('however it is changed, it is not believed unless only its case was folded', async () => {
    await fc.assert(
      fc.asyncProperty(claims, changes, async (claim, edits) => {
        const localPart = signReturnPath(own, claim)
        const changed = edit(localPart, edits)
        const token = await readReturnPath(changed, claim.domain, keyring.bySlot)
        expect(token !== null).toBe(foldAscii(changed) === localPart)
      }),
    )
  })

  test('it is worth nothing for another tenant, domain or recipient', async () => {
    await fc.assert(
      fc.asyncProperty(claims, claims, async (claim, other) => {
        const token = await readReturnPath(signReturnPath(own, claim), claim.domain, keyring.bySlot)
        expect(token?.tenantId).toBe(own.tenantId)
        expect(token && isRecipientOf(token, other.recipient)).toBe(
          claim.recipient === other.recipient,
        )
        const elsewhere = await readReturnPath(
          signReturnPath(own, claim),
          other.domain,
          keyring.bySlot,
        )
        expect(elsewhere !== null).toBe(claim.domain === other.domain)
        // Somebody who has the key of one tenant writes the number of another one.
        const pretended = signReturnPath({ ...own, tenantId: foreign.tenantId }, claim)
        expect(await readReturnPath(pretended, claim.domain, keyring.bySlot)).toBeNull()
      }),
    )
  })
})

describe('a sealed token', () => {
  test('any single character changed: none opens', async () => {
    const text = sealToken(own, {
      purpose: 'unsubscribe',
      tenantId: own.tenantId,
      day: 20_778,
      groupId: 12,
      groupsToDisplay: [12],
      messageReference: null,
      recipient: 'anna@example.net',
    })
    const opened: string[] = []
    for (let at = 0; at < text.length; at++) {
      for (const character of characters.filter((one) => one !== text[at])) {
        const changed = text.slice(0, at) + character + text.slice(at + 1)
        if (await openSealed(changed, keyring.byId)) opened.push(changed)
      }
    }
    expect(opened).toEqual([])
  })

  test('however it is changed, it does not open', async () => {
    await fc.assert(
      fc.asyncProperty(contents, changes, async (content, edits) => {
        const text = sealToken(own, content)
        const changed = edit(text, edits)
        const token = await openSealed(changed, keyring.byId)
        expect(token).toEqual(changed === text ? content : null)
      }),
    )
  })

  test('it has one spelling: no padding, no other alphabet, no white space', async () => {
    await fc.assert(
      fc.asyncProperty(contents, async (content) => {
        const text = sealToken(own, content)
        const others = [
          `${text}=`,
          `${text}==`,
          `${text}\n`,
          ` ${text}`,
          text.replace('hb1_', 'HB1_'),
        ]
        others.push(text.replaceAll('-', '+').replaceAll('_', '/'))
        for (const other of others) {
          if (other !== text) expect(await openSealed(other, keyring.byId)).toBeNull()
        }
      }),
    )
  })

  test('it opens for its own tenant, purpose and recipient only', async () => {
    await fc.assert(
      fc.asyncProperty(contents, async (content) => {
        expect(await openSealed(sealToken(own, content), keyring.byId)).toEqual(content)
        // Somebody who has the key of one tenant writes the number, or the key id, of another one.
        const ofForeign = { ...content, tenantId: foreign.tenantId }
        const pretended = [
          sealToken(own, ofForeign),
          sealToken({ ...own, id: foreign.id }, ofForeign),
          sealToken({ ...own, id: foreign.id }, content),
        ]
        for (const text of pretended) expect(await openSealed(text, keyring.byId)).toBeNull()
      }),
    )
  })

  test('two contents never share a token', () => {
    fc.assert(
      fc.property(contents, contents, (one, other) => {
        const same = JSON.stringify(one) === JSON.stringify(other)
        expect(sealToken(own, one) === sealToken(own, other)).toBe(same)
      }),
    )
  })
})

test('a sealed address opens in canonical form, whatever spelling was sealed', async () => {
  const content: SealedToken = {
    purpose: 'unsubscribe',
    tenantId: own.tenantId,
    day: 20_778,
    groupId: null,
    groupsToDisplay: [],
    messageReference: null,
    recipient: 'Anna@Bücher.example',
  }
  const opened = await openSealed(sealToken(own, content), keyring.byId)
  expect(opened?.recipient).toBe('anna@xn--bcher-kva.example')
  const nobody = sealToken(own, { ...content, recipient: 'nobody' })
  expect(await openSealed(nobody, keyring.byId)).toBeNull()
})

describe('an exported key', () => {
  const identities = fc.record({ id: uint32, tenantId: uint32, slot: fc.nat(255) })
  const roots = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes))

  test('signs as the key itself', () => {
    fc.assert(
      fc.property(identities, roots, (identity, root) => {
        const line = writeKeyExport(identity, root)
        expect(line).toMatch(/^[\w.-]+$/)
        expect(readKeyExport(line)).toEqual(deriveSigningKey(identity, root))
      }),
    )
  })

  test('is refused when anything in it was changed', () => {
    fc.assert(
      fc.property(identities, roots, changes, (identity, root, edits) => {
        const line = writeKeyExport(identity, root)
        const changed = edit(line, edits)
        expect(readKeyExport(changed) !== null).toBe(changed === line)
      }),
    )
  })
})

function edit(
  text: string,
  edits: readonly { at: number; remove: number; insert: string }[],
): string {
  return edits.reduce(
    (changed, { at, remove, insert }) => changed.slice(0, at) + insert + changed.slice(at + remove),
    text,
  )
}

function foldAscii(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase())
}
