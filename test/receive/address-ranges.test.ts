import { expect, test } from 'vitest'
import { addressGroup, parseAddressRanges } from '../../src/receive/address-ranges.ts'

test('addresses and ranges of both families', () => {
  const ranges = parseAddressRanges(['127.0.0.0/8', '::1', ' 192.0.2.7 ', '2001:db8::/32'])
  for (const inside of ['127.9.9.9', '::ffff:127.0.0.1', '::1', '192.0.2.7', '2001:db8:1::2']) {
    expect(ranges.includes(inside), inside).toBe(true)
  }
  for (const outside of ['128.0.0.1', '::2', '192.0.2.8', '2001:db9::', '', 'localhost']) {
    expect(ranges.includes(outside), outside).toBe(false)
  }
})

test('a text that is no address is named', () => {
  expect(() => parseAddressRanges(['10.0.0.0/8', 'mx.example'])).toThrow('mx.example')
  expect(() => parseAddressRanges(['10.0.0.0/33'])).toThrow('10.0.0.0/33')
})

test('an IPv6 /64 is one client, an IPv4 address is one', () => {
  expect(addressGroup('2001:db8:1:2:aaaa::1')).toBe(addressGroup('2001:db8:1:2:bbbb::2'))
  expect(addressGroup('2001:db8:1:2::1')).not.toBe(addressGroup('2001:db8:1:3::1'))
  expect(addressGroup('::ffff:192.0.2.1')).toBe(addressGroup('192.0.2.1'))
  expect(addressGroup('192.0.2.1')).not.toBe(addressGroup('192.0.2.2'))
})
