import fc from 'fast-check'
import { expect, test } from 'vitest'
import { csvField, withoutFormulaEscape } from '../../src/feedback/csv-field.ts'
import { createCsvReader } from '../../src/suppression/csv-reader.ts'

test.each([
  ['a@example.com', 'a@example.com'],
  ['+a@example.com', "'+a@example.com"],
  ['=cmd|x', "'=cmd|x"],
  ['-1', "'-1"],
  ['@SUM(1)', "'@SUM(1)"],
  ['\tx', "'\tx"],
  ["'=x", "''=x"],
  ["'quoted'", "'quoted'"],
  ['a,"b"', '"a,""b"""'],
  ['=a\nb', '"\'=a\nb"'],
])('%j is written as %j', (value, written) => {
  expect(csvField(value)).toBe(written)
})

test('every value comes back as it was, and none begins as a formula', () => {
  const text = fc.oneof(
    fc.string(),
    fc.string({ unit: fc.constantFrom("'", '=', '+', '-', '@', '"', ',', '\n', '\r', '\t', 'a') }),
  )
  fc.assert(
    fc.property(text, (value) => {
      const written = csvField(value)
      expect(written.replace(/^"/, '')).not.toMatch(/^[=+\-@\t\r]/)
      const reader = createCsvReader(',')
      const [record] = [...reader.write(Buffer.from(`x,${written}\r\n`)), ...reader.end()]
      const [, field = ''] = record && 'fields' in record ? record.fields : []
      expect(withoutFormulaEscape(field)).toBe(value)
    }),
  )
})
