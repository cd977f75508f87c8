import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalAddress, canonicalDomain, maskAddress } from '../../src/feedback/address.ts'

describe('one address has one form', () => {
  test.each([
    ['  Anna@Example.COM ', 'anna@example.com'],
    ['<anna@example.com>', 'anna@example.com'],
    ['anna@example.com.', 'anna@example.com'],
    ['a+tag@example.com', 'a+tag@example.com'],
    ['"anna"@example.com', 'anna@example.com'],
    ['"an\\na"@example.com', 'anna@example.com'],
    ['"anna b"@example.com', '"anna b"@example.com'],
    ['"anna@b"@example.com', '"anna@b"@example.com'],
    ['user.@docomo.example', 'user.@docomo.example'],
    ['a..b@docomo.example', 'a..b@docomo.example'],
    ['user@bücher.example', 'user@xn--bcher-kva.example'],
    ['user@XN--BCHER-KVA.example', 'user@xn--bcher-kva.example'],
    ['İSTANBUL@example.com', 'i̇stanbul@example.com'],
    ['JOSE\u0301@example.com', 'josé@example.com'],
    ['用户@例え.jp', '用户@xn--r8jz45g.jp'],
    ['root@localhost', 'root@localhost'],
    ['a_b@ex_ample.com', 'a_b@ex_ample.com'],
  ])('%s is %s', (text, canonical) => {
    expect(canonicalAddress(text)).toBe(canonical)
  })

  test.each([
    '',
    'not-an-email',
    '@example.com',
    'a@',
    'a b@example.com',
    'a\0b@example.com',
    'a@b@example.com',
    'a@[127.0.0.1]',
    'a@127.0.0.1',
    'a@1.2',
    'a@exa mple.com',
    'a@-example.com',
    'a@example..com',
    'a@b/c.example',
    'a@%41.example',
    `${'x'.repeat(400)}@example.com`,
    `a@${'x'.repeat(64)}.example`,
    '"unclosed@example.com',
    'a,b@example.com',
    'j\ufffdrg@example.com',
    '"j\ufffdrg b"@example.com',
    'jane@b\ufffdcher.example',
  ])('%j is none', (text) => {
    expect(canonicalAddress(text)).toBeNull()
  })

  test('the canonical form of a canonical form is itself, whatever comes', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.emailAddress()), (text) => {
        const once = canonicalAddress(text)
        if (once !== null) expect(canonicalAddress(once)).toBe(once)
      }),
    )
  })
})

test('a domain is no IP address and no path', () => {
  expect(canonicalDomain('1.2.3')).toBeNull()
  expect(canonicalDomain('bounces.Example.com.')).toBe('bounces.example.com')
  expect(canonicalDomain('a:80')).toBeNull()
})

test('logs show the domain and one letter', () => {
  expect(maskAddress('anna@example.com')).toBe('a***@example.com')
  expect(maskAddress('nonsense')).toBe('***')
})
