import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readAction } from '../../../src/http/recipient/action.ts'
import { formFields } from '../../../src/http/recipient/form-fields.ts'
import { chooseLanguage } from '../../../src/http/recipient/languages/choose-language.ts'

const read = (body: string | Uint8Array) => readAction(formFields(Buffer.from(body)))

const ids = (count: number, of: (id: number) => string) =>
  Array.from({ length: count }, (_, at) => of(at + 1)).join('')

describe('what a form asks for', () => {
  test.each([
    ['List-Unsubscribe=One-Click', { kind: 'one-click' }],
    ['confirm=yes', { kind: 'confirm' }],
    ['action=unsubscribe_all', { kind: 'unsubscribe', groupId: null }],
    ['action=unsubscribe_group&group_id=7', { kind: 'unsubscribe', groupId: 7 }],
    [
      'action=resubscribe_group&group_id=7',
      { kind: 'choose', choices: [{ wish: 'resubscribe', groupId: 7 }] },
    ],
    [
      'action=resubscribe_all',
      { kind: 'choose', choices: [{ wish: 'resubscribe', groupId: null }] },
    ],
    [
      'action=save&shown=1&shown=2&shown=3&shown=3&before=1&before=2&group=2&group=3',
      {
        kind: 'choose',
        choices: [
          { wish: 'unsubscribe', groupId: 1 },
          { wish: 'resubscribe', groupId: 3 },
        ],
      },
    ],
    ['action=save&shown=1&before=9&group=8', { kind: 'choose', choices: [] }],
    ['action=unsubscribe_group&group_id=0', null],
    ['action=unsubscribe_group&group_id=-1', null],
    ['action=save', null],
    [`action=save${ids(501, (id) => `&shown=${id}&before=${id}`)}`, null],
  ])('%s', (body, action) => {
    expect(read(body)).toEqual(action)
  })
})

test('no bytes of strangers are too much', () => {
  const part = fc.oneof(
    fc.uint8Array({ maxLength: 8 }),
    fc
      .constantFrom(
        ...[
          '--',
          '\r\n',
          '\n\n',
          'Content-Disposition: form-data; name="',
          '"',
          '=',
          '&',
          '%',
          ';',
        ],
        ...['action', 'save', 'shown', 'group', 'List-Unsubscribe', 'One-Click', '1'],
      )
      .map((text) => Buffer.from(text)),
  )
  fc.assert(
    fc.property(fc.array(part, { maxLength: 20 }), (parts) => {
      const action = read(Buffer.concat(parts))
      expect(action === null || typeof action.kind === 'string').toBe(true)
    }),
    { numRuns: 500 },
  )
})

test('no Accept-Language of strangers is too much', () => {
  const header = fc.array(
    fc.constantFrom('de', 'fr', '*', ',', ';', 'q=', '0.5', '=', ' ', '-', '\0'),
  )
  fc.assert(
    fc.property(header, fc.string(), (parts, asked) => {
      expect(chooseLanguage(asked, parts.join('')).name).not.toBe('')
    }),
  )
})
