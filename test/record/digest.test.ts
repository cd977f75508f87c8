import fc from 'fast-check'
import { expect, test } from 'vitest'
import { contentDigest, messageDigest } from '../../src/record/digest.ts'

const body = '\r\nReceived: this is text\r\nbody\r\n'
const kept = 'From: a@example.com\r\nSubject: bounce\r\n and more\r\n'
const digest = (text: string, rcptTo = 'bounces@bounce.example') =>
  messageDigest(contentDigest(Buffer.from(text)), rcptTo).toString('hex')

test.each([
  'Received: from relay-a.example\r\n\tby mx.example; Sat, 21 Nov 2026 10:00:00 +0000\r\n',
  'Return-Path: <>\r\n',
  'Delivered-To: bounces@bounce.example\r\n',
  'X-Original-To: bounces@bounce.example\r\n',
  'Authentication-Results: mx.example;\r\n spf=pass\r\n',
  'Received-SPF: pass\r\n',
  'ARC-Seal: i=1; a=rsa-sha256;\r\n b=abc\r\n',
  'ARC-Message-Signature: i=1\r\nARC-Authentication-Results: i=1\r\n',
  'RECEIVED : from relay-b.example\r\n',
])('a relay that adds %j changes nothing', (trace) => {
  expect(digest(trace + kept + body)).toBe(digest(kept + body))
  expect(digest(kept + trace + body)).toBe(digest(kept + body))
  expect(
    digest(`${trace}From: a@example.com\r\n${trace}Subject: bounce\r\n and more\r\n${body}`),
  ).toBe(digest(kept + body))
})

test('other fields, the body and the recipient make another message', () => {
  const original = digest(kept + body)
  expect(digest(`X-Spam: no\r\n${kept}${body}`)).not.toBe(original)
  expect(digest(`${kept}\r\nbody\r\n`)).not.toBe(original)
  expect(digest(kept + body, 'fbl@bounce.example')).not.toBe(original)
  expect(digest(`Received-By: x\r\n${kept}${body}`)).not.toBe(original)
})

test('any bytes have a digest', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      expect(contentDigest(Buffer.from(bytes))).toHaveLength(32)
    }),
  )
})
