import fc from 'fast-check'
import Papa from 'papaparse'
import { describe, expect, test } from 'vitest'
import { useDoor } from '../door.ts'

const door = useDoor()
const runs = { numRuns: 60 }

type Result = { imported: number; skipped: number; errors: unknown[] }

async function send(key: string, file: Uint8Array): Promise<{ status: number; sum: number }> {
  const response = await fetch(`${door.url}/v3/suppression/bounces/import`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'text/csv' },
    body: Buffer.from(file),
  })
  const { imported, skipped } = (await response.json()) as Result
  const errors = Number(response.headers.get('x-import-errors'))
  return { status: response.status, sum: imported + skipped + errors }
}

describe('whatever is sent as CSV', () => {
  const piece = fc.constantFrom(
    ...[
      'email',
      'a@example.com',
      'reason',
      ',',
      ';',
      '\t',
      '\n',
      '\r\n',
      '\r',
      '"',
      '""',
      '\0',
      ' ',
    ],
    ...[
      "'=",
      '+b@example.com',
      '\ufeff',
      '\ud800',
      '𝕏',
      'x'.repeat(300),
      '-1',
      'hard',
      '1714060800',
    ],
  )
  const csvLike = fc.array(piece, { maxLength: 60 }).map((parts) => Buffer.from(parts.join('')))
  const anything = fc.oneof(fc.uint8Array({ maxLength: 400 }), csvLike)

  test('is answered with counts or as no such file', async () => {
    const { key } = await door.addTenant()
    await fc.assert(
      fc.asyncProperty(anything, async (file) => {
        expect([200, 400]).toContain((await send(key, file)).status)
      }),
      runs,
    )
  })

  test('every record counts once', async () => {
    const { key } = await door.addTenant()
    const text = fc.string({ unit: fc.constantFrom('"', ',', '\n', 'é', '=', ' ', 'a', '\0') })
    const email = fc.oneof(
      fc.integer({ min: 0, max: 9 }).map((n) => `u${n}@example.com`),
      text.map((words) => `x${words}`),
    )
    const rows = fc.array(fc.tuple(email, text), { minLength: 1, maxLength: 30 })
    await fc.assert(
      fc.asyncProperty(rows, fc.constantFrom(',', ';', '\t'), async (written, delimiter) => {
        const file = Papa.unparse([['email', 'reason'], ...written], { delimiter })
        expect(await send(key, Buffer.from(file))).toEqual({ status: 200, sum: written.length })
      }),
      runs,
    )
    expect(door.log()).not.toContain('request failed')
  })
})
