import { describe, expect, it } from 'vitest'
import { field, fields, readHeader, textField } from '../../src/parse/header.ts'
import {
  maxDepth,
  maxFieldLength,
  maxHeaderFields,
  maxParts,
  maxReportBytes,
} from '../../src/parse/limits.ts'
import { bodyText, listParts, readMessage } from '../../src/parse/mime.ts'

function read(text: string) {
  return readMessage(Buffer.from(text, 'latin1'))
}

function typesOf(text: string): string[] {
  return listParts(read(text)).map((part) => part.mediaType.name)
}

describe('a header block', () => {
  it('gives its fields by name, in any case, unfolded', () => {
    const { header } = read('SUBJECT: one\r\n two\r\n\tthree\r\nX-A : b\r\nx-a:c\r\n\r\nbody')
    expect(field(header, 'subject')).toBe('one two three')
    expect(fields(header, 'x-a')).toEqual(['b', 'c'])
    expect(field(header, 'absent')).toBeNull()
  })

  it.each([
    ['an mbox line', 'From someone Mon Nov  2 10:00:00 2026\nSubject: x\n\nbody'],
    ['a byte order mark', '\xef\xbb\xbfSubject: x\n\nbody'],
    ['NUL characters', 'Sub\0ject: x\n\nbody'],
    ['blank lines above', '\r\n\nSubject: x\n\nbody'],
    ['lines that are no fields', 'X-A: b\n*** what is this ***\nSubject: x\n\nbody'],
    ['CR alone', 'Subject: x\r\rbody'],
    ['mixed line ends', 'X-A: b\r\nSubject: x\n\r\nbody'],
  ])('is read in spite of %s', (_, text) => {
    const message = read(text)
    expect(field(message.header, 'subject')).toBe('x')
    expect(bodyText(message, 100)).toBe('body')
  })

  it('is empty where text begins at once', () => {
    const message = read('This is no header.\n\nAt all.')
    expect(message.header.names).toEqual([])
    expect(bodyText(message, 100)).toBe('This is no header.\n\nAt all.')
  })

  it.each([
    ['=?utf-8?Q?J=C3=B6rg?=', 'Jörg'],
    ['=?iso-8859-1?q?J=F6rg_M?=', 'Jörg M'],
    ['=?utf-8?B?SsO2?= =?utf-8?B?cmc=?=', 'Jörg'],
    ['=?iso-2022-jp?B?GyRCPz8bKEI=?=', '真'],
    ['J\xc3\xb6rg', 'Jörg'],
    ['J\xf6rg', 'Jörg'],
    ['=?no-such-charset?Q?J=C3=B6rg?=', 'Jörg'],
    ['=?utf-8?X?what?=', '=?utf-8?X?what?='],
    ['a =?utf-8?Q?b?= c', 'a b c'],
  ])('decodes %s', (value, text) => {
    expect(textField(read(`Subject: ${value}\n\n`).header, 'subject')).toBe(text)
  })

  it('keeps its first fields, and beyond them those that say how to read the body', () => {
    const many = 'X-More: y\r\n'.repeat(maxHeaderFields + 500)
    const { header } = read(`${many}Content-Type: text/html\r\n\r\nbody`)
    expect(header.names).toHaveLength(maxHeaderFields + 1)
    expect(header.names.at(-1)).toBe('content-type')
  })

  it('keeps the head of a huge field', () => {
    const text = `Subject: ${'x'.repeat(maxFieldLength * 2)}\nX-A: b\n\nbody`
    const header = readHeader(text, 0, text.length)
    expect(field(header, 'subject')?.length).toBeLessThanOrEqual(maxFieldLength)
    expect(field(header, 'x-a')).toBe('b')
  })
})

describe('the parts of a message', () => {
  const two = '--b\nContent-Type: text/plain\n\none\n--b\nContent-Type: text/html\n\ntwo\n'

  it.each([
    ['as they should be', `Content-Type: multipart/mixed; boundary=b\n\n${two}--b--\n`],
    ['without their end', `Content-Type: multipart/mixed; boundary=b\n\n${two}`],
    [
      'with blanks behind the boundary',
      `Content-Type: multipart/mixed; boundary="b "\n\n${two.replaceAll('--b', '--b \t')}--b--`,
    ],
    ['under a misspelt type', `Content-Type: multipart/mx6d; boundary="b"\n\n${two}--b--`],
    ['under a type that is none', `Content-Type: nonsense; boundary="b"\n\n${two}--b--`],
    [
      'with parameters between commas',
      `Content-Type: multipart/mixed, charset=x, boundary=b\n\n${two}--b--`,
    ],
    [
      'with text around them',
      `Content-Type: multipart/mixed; boundary=b\n\nPreamble\n${two}--b--\nEpilogue\n--b\n`,
    ],
  ])('are found %s', (_, text) => {
    expect(typesOf(text).slice(1)).toEqual(['text/plain', 'text/html'])
  })

  it('are found when the boundary is unknown or another', () => {
    const parts = two.replaceAll('--b', '--boundary')
    for (const parameter of ['', '; boundary=', '; boundary=other']) {
      const text = `Content-Type: multipart/mixed${parameter}\n\n${parts}--boundary--`
      expect(typesOf(text).slice(1)).toEqual(['text/plain', 'text/html'])
    }
    expect(typesOf(`Subject: x\n\n${parts}`).slice(1)).toEqual(['text/plain', 'text/html'])
  })

  it('are not looked for within a text that quotes them', () => {
    const quoted = `Hello,\n\nReceived: from x\n\n${two.replaceAll('--b', '--boundary')}`
    expect(typesOf(`Subject: x\n\n${quoted}`)).toEqual(['text/plain'])
    expect(typesOf(`Content-Type: text/plain\n\n${two.replaceAll('--b', '--boundary')}`)).toEqual([
      'text/plain',
    ])
  })

  it('are told apart from those of a boundary that only begins alike', () => {
    const text =
      'Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/mixed; boundary=bb\n\n--bb\nContent-Type: text/html\n\nx\n--bb--\n--b--\n'
    expect(typesOf(text)).toEqual(['multipart/mixed', 'multipart/mixed', 'text/html'])
  })

  it('are not taken out of returned mail', () => {
    const text = `Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: message/rfc822\n\nContent-Type: multipart/mixed; boundary=b\n\n${two}--b--\n--a--`
    expect(typesOf(text)).toEqual(['multipart/mixed', 'message/rfc822'])
  })

  it.each([
    ['base64', 'w7ZrZXk='],
    ['BASE64 ', 'w7Zr\nZXk=\n'],
    ['quoted-printable', '=C3=\n=B6key'],
    ['8bit', '\xc3\xb6key'],
  ])('are decoded from %s', (encoding, body) => {
    const text = `Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: ${encoding}\n\n${body}`
    expect(bodyText(read(text), 100).trim()).toBe('ökey')
  })

  it.each([
    ['iso-8859-1', 'J\xf6rg', 'Jörg'],
    ['koi8-r', '\xd0\xcf\xde\xd4\xc1', 'почта'],
    ['shift_jis', '\x90^', '真'],
    ['utf-8', 'J\xf6rg', 'Jörg'],
    ['us-ascii', 'J\xc3\xb6rg', 'Jörg'],
    ['x-unheard-of', 'J\xc3\xb6rg', 'Jörg'],
    ['iso-2022-jp', '\xbf\xbf', '真'],
  ])('are text in %s', (charset, bytes, text) => {
    expect(bodyText(read(`Content-Type: text/plain; charset=${charset}\n\n${bytes}`), 100)).toBe(
      text,
    )
  })

  it('end at the limits of number and depth', () => {
    const wide = `Content-Type: multipart/mixed; boundary=b\n\n${'--b\n\nx\n'.repeat(maxParts * 2)}`
    expect(typesOf(wide)).toHaveLength(maxParts)
    const deep = Array.from({ length: maxDepth * 2 }, (_, level) => {
      return `Content-Type: multipart/mixed; boundary="d${level}"\n\n--d${level}\n`
    })
    expect(typesOf(deep.join(''))).toHaveLength(maxDepth + 1)
  })

  it('give no more of a body than is asked for', () => {
    const body = Buffer.from('x'.repeat(10_000)).toString('base64')
    expect(bodyText(read(`Content-Transfer-Encoding: base64\n\n${body}`), 500)).toHaveLength(500)
    expect(maxReportBytes).toBeGreaterThan(500)
  })
})
