import { expect, test } from 'vitest'
import { DeadlineError } from '../../src/db/sql.ts'
import { storageFailure } from '../../src/db/sqlstate.ts'

function serverError(code: string): Error {
  return Object.assign(new Error('from the server'), { code, severity: 'ERROR' })
}

test.each([
  ['22021', 'poison'],
  ['22P05', 'poison'],
  ['22003', 'poison'],
  ['23502', 'poison'],
  ['23514', 'poison'],
  ['54000', 'poison'],
  ['23505', 'duplicate'],
  ['42P01', 'defect'],
  ['42501', 'defect'],
  ['XX001', 'defect'],
  ['08006', 'outage'],
  ['23503', 'outage'],
  ['25006', 'outage'],
  ['40001', 'outage'],
  ['40P01', 'outage'],
  ['53100', 'outage'],
  ['53300', 'outage'],
  ['57014', 'outage'],
  ['57P01', 'outage'],
  ['58030', 'outage'],
])('SQLSTATE %s is %s', (state, failure) => {
  expect(storageFailure(serverError(state))).toBe(failure)
})

test.each([
  ['CONNECTION_CLOSED', 'outage'],
  ['CONNECT_TIMEOUT', 'outage'],
  ['ECONNREFUSED', 'outage'],
  ['EPIPE', 'outage'],
  ['UNDEFINED_VALUE', 'poison'],
])('%s of the driver is %s', (code, failure) => {
  expect(storageFailure(Object.assign(new Error('driver'), { code }))).toBe(failure)
})

test('silence is an outage; a value that cannot be sent is poison', () => {
  expect(storageFailure(new DeadlineError('no answer'))).toBe('outage')
  expect(storageFailure(new RangeError('Invalid time value'))).toBe('poison')
  expect(storageFailure(new TypeError('not a string'))).toBe('poison')
  expect(storageFailure(new Error('the signing keys were stored under another secret'))).toBe(
    'defect',
  )
})
