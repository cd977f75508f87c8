import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { summarise, summaryBytes } from '../../src/parse/summary.ts'

function of(text: string) {
  return summarise(Buffer.from(text))
}

describe('what a person needs to judge a message by', () => {
  test('fields of the header, decoded and unfolded, in their order', () => {
    const { headers } = of(
      'Received: from x\r\nFrom: =?utf-8?q?J=C3=BCrgen?=\r\n <a@example.com>\r\nX-Spam: yes\r\nSubject: Hello\r\n\r\nbody',
    )
    expect(headers).toEqual([
      { name: 'from', value: 'Jürgen <a@example.com>' },
      { name: 'subject', value: 'Hello' },
    ])
  })

  test('the first text, whatever its encoding', () => {
    const head =
      'Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n'
    expect(of(head + Buffer.from('Grüße').toString('base64')).text).toBe('Grüße')
  })

  test('HTML as text, without scripts', () => {
    const html = '<p>Your <b>mail</b></p><script>alert(1)</script><img src="https://example.com/x">'
    expect(of(`Content-Type: text/html\r\n\r\n${html}`).text).toBe('Your mail')
  })

  test('of a long text the beginning', () => {
    const { text, isCut } = of(`Subject: x\r\n\r\n${'word '.repeat(10_000)}`)
    expect(text).toHaveLength(20_000)
    expect(isCut).toBe(true)
  })

  test('nothing at all', () => {
    expect(of('')).toMatchObject({ headers: [], isCut: false })
  })
})

test('any bytes: it never throws, and stays small', () => {
  const header = fc.constantFrom(
    'From: ',
    'Subject: =?utf-8?b?',
    'Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n',
    'Content-Type: text/html\r\n\r\n<',
    '\r\n\r\n',
  )
  const piece = fc.oneof(
    header.map((text) => Buffer.from(text)),
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
      const summary = summarise(Buffer.concat(pieces))
      expect(JSON.stringify(summary).length).toBeLessThan(500_000)
      expect(JSON.stringify(summary).isWellFormed()).toBe(true)
    }),
  )
})

test('a huge message is read as far as is shown', () => {
  const raw = Buffer.concat([
    Buffer.from('Subject: x\r\n\r\n'),
    Buffer.alloc(2 * summaryBytes, 'word\n'),
  ])
  expect(summarise(raw).isCut).toBe(true)
})
