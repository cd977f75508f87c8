import fc from 'fast-check'
import Papa from 'papaparse'
import { describe, expect, test } from 'vitest'
import {
  type CsvRecord,
  createCsvReader,
  maxRecordLength,
} from '../../src/suppression/csv-reader.ts'

/** All records of a file that comes in parts of `size` bytes. */
function read(file: string | Buffer, delimiter = ',', size = 1_000_000): CsvRecord[] {
  const bytes = Buffer.from(file as string)
  const reader = createCsvReader(delimiter)
  const records: CsvRecord[] = []
  for (let at = 0; at < bytes.length; at += size) {
    records.push(...reader.write(bytes.subarray(at, at + size)))
  }
  return [...records, ...reader.end()]
}

describe('lines', () => {
  test.each([
    ['LF', 'a,1\nb,2\n'],
    ['CRLF', 'a,1\r\nb,2\r\n'],
    ['CR', 'a,1\rb,2\r'],
    ['a last line without an end', 'a,1\nb,2'],
  ])('end with %s', (_name, file) => {
    const records = [
      { line: 1, fields: ['a', '1'] },
      { line: 2, fields: ['b', '2'] },
    ]
    expect(read(file)).toEqual(records)
    expect(read(file, ',', 1)).toEqual(records)
  })

  test('that are empty count as lines and not as records', () => {
    expect(read('\n\na\n \n,,\r\n\r\nb')).toEqual([
      { line: 3, fields: ['a'] },
      { line: 7, fields: ['b'] },
    ])
  })

  test('of nothing are none', () => {
    expect(read('')).toEqual([])
    expect(read('\r\n\n\r')).toEqual([])
  })
})

describe('quotes', () => {
  test('hold delimiters, line ends and quotes; the next record begins on the line that it begins on', () => {
    const file = 'a,"1, ""2""\r\n3\r4\n5",x\nb,2'
    const records = [
      { line: 1, fields: ['a', '1, "2"\r\n3\r4\n5', 'x'] },
      { line: 5, fields: ['b', '2'] },
    ]
    for (const size of [1, 2, 3, 1_000]) expect(read(file, ',', size)).toEqual(records)
  })

  test('may have blanks around them', () => {
    expect(read('a , "b, c" ,d\n"e" ')).toEqual([
      { line: 1, fields: ['a ', 'b, c', 'd'] },
      { line: 2, fields: ['e'] },
    ])
  })

  test('inside a field are letters', () => {
    expect(read('a,550 "x" y\nb,5"')).toEqual([
      { line: 1, fields: ['a', '550 "x" y'] },
      { line: 2, fields: ['b', '5"'] },
    ])
  })

  test('that make no sense are letters', () => {
    expect(read('"john doe"@example.com,x\nb')).toEqual([
      { line: 1, fields: ['"john doe"@example.com', 'x'] },
      { line: 2, fields: ['b'] },
    ])
  })

  test.each([
    ['to the end of the file', 'a,1\nb,"2\nc,3\nd,4\n'],
    ['with quoted fields behind it', 'a,1\nb,"2\nc,3\n"d",4\n'],
    ['with an unclosed one behind it', 'a,1\nb,"2\nc,3\nd,"4" 5\n'],
  ])('that are never closed cost their own line: %s', (_name, file) => {
    for (const size of [1, 7, 1_000]) {
      const records = read(file, ',', size)
      expect(records.map(({ line }) => line)).toEqual([1, 2, 3, 4])
      expect(records.filter((record) => 'fault' in record)).toEqual([
        { line: 2, fault: 'unterminated-quote', text: 'b,"2' },
      ])
    }
  })

  test('that are never closed are not looked for beyond the longest record', () => {
    const lines = Array.from({ length: 20_000 }, (_, n) => `${n}@example.com,reason`)
    const records = read(['"open', ...lines].join('\n'), ',', 10_000)
    expect(records).toHaveLength(20_001)
    expect(records[0]).toMatchObject({ line: 1, fault: 'unterminated-quote' })
    expect(records.slice(1).every((record) => 'fields' in record)).toBe(true)
  })
})

describe('a line that is too long', () => {
  const long = 'x'.repeat(3 * maxRecordLength)

  test.each([
    ['plain', long],
    ['quoted', `"${long}"`],
    ['a quote in it', `${long}"${long}`],
  ])('costs only itself: %s', (_name, line) => {
    for (const size of [1_000, 65_536, 10_000_000]) {
      for (const end of ['\n', '\r\n', '\r']) {
        const records = read(['a', line, 'b', 'c'].join(end), ',', size)
        expect(records.map((record) => [record.line, 'fault' in record])).toEqual([
          [1, false],
          [2, true],
          [3, false],
          [4, false],
        ])
      }
    }
  })

  test('at the end of the file too', () => {
    expect(read(`a\n${long}`, ',', 5_000).map(({ line }) => line)).toEqual([1, 2])
  })
})

describe('bytes', () => {
  test('may begin with a byte order mark', () => {
    for (const size of [1, 2, 100]) {
      expect(read('\ufeffa,b', ',', size)).toEqual([{ line: 1, fields: ['a', 'b'] }])
    }
  })

  test('may be UTF-16, as spreadsheets save Unicode text', () => {
    const file = Buffer.concat([
      Buffer.from([0xff, 0xfe]),
      Buffer.from('a\tü😀\r\nb\tc', 'utf16le'),
    ])
    for (const size of [1, 3, 100]) {
      expect(read(file, '\t', size)).toEqual([
        { line: 1, fields: ['a', 'ü😀'] },
        { line: 2, fields: ['b', 'c'] },
      ])
    }
  })

  test('that are no UTF-8 are told apart from the rest of the line', () => {
    const file = Buffer.concat([Buffer.from('a\nb'), Buffer.from([0xff]), Buffer.from('c,é\nd')])
    for (const size of [1, 100]) {
      expect(read(file, ',', size)).toEqual([
        { line: 1, fields: ['a'] },
        { line: 2, fields: ['b\ufffdc', 'é'] },
        { line: 3, fields: ['d'] },
      ])
    }
  })
})

describe('any bytes', () => {
  const csvLike = fc
    .array(fc.constantFrom('"', '""', ',', '\n', '\r', '\r\n', ' ', 'a', 'é', '\0', 'b@x.example'))
    .map((parts) => parts.join(''))

  test('give the same records in whatever parts they come', () => {
    fc.assert(
      fc.property(fc.oneof(csvLike, fc.string()), fc.integer({ min: 1, max: 9 }), (file, size) => {
        expect(read(file, ',', size)).toEqual(read(file))
      }),
    )
  })

  test('give records in the order of their lines, and every line is in one', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const records = read(Buffer.from(bytes), ',', 7)
        const lines = records.map(({ line }) => line)
        expect(lines).toEqual([...new Set(lines)].sort((a, b) => a - b))
      }),
    )
  })

  test('that are written by the rules are read by them', () => {
    const field = fc.string({ unit: fc.constantFrom('"', ',', '\n', '\r', 'a', 'é', '😀', ' ') })
    const rows = fc.array(fc.array(field, { minLength: 1, maxLength: 4 }), { maxLength: 6 })
    fc.assert(
      fc.property(rows, fc.constantFrom('\r\n', '\n', '\r'), (written, newline) => {
        const file = Papa.unparse(written, { newline, quotes: true })
        const kept = written.filter((fields) => fields.some((each) => each.trim() !== ''))
        expect(read(file, ',', 5).map((record) => 'fields' in record && record.fields)).toEqual(
          kept,
        )
      }),
    )
  })
})
