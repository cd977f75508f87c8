import type postgres from 'postgres'
import { parse } from 'postgres-array'

type Element = string | number | boolean | Date | Uint8Array | null

/**
 * PostgreSQL's arrays, by the numbers that every server gives their types. Left to itself the driver
 * asks for them on each new connection, and ends the process with an unhandled rejection when that
 * connection breaks meanwhile (porsager/postgres#1192).
 */
export const arrayTypes = {
  bytea: arrayType(1001, (text) => Buffer.from(text.slice('\\x'.length), 'hex')),
  int2: arrayType(1005, Number),
  int4: arrayType(1007, Number),
  text: arrayType(1009, (text) => text),
  int8: arrayType(1016, (text) => text),
  date: arrayType(1182, (text) => new Date(text)),
  timestamptz: arrayType(1185, (text) => new Date(text)),
  uuid: arrayType(2951, (text) => text),
}

function arrayType<Value extends Element>(
  oid: number,
  fromText: (text: string) => Value,
): postgres.PostgresType {
  return {
    to: oid,
    from: [oid],
    serialize: (elements: readonly Element[]) => arrayLiteral(elements),
    parse: (literal: string) => parse(literal, fromText),
  }
}

const special = /["\\]/g

function arrayLiteral(elements: readonly Element[]): string {
  return `{${elements.map(elementLiteral).join(',')}}`
}

function elementLiteral(element: Element): string {
  if (element === null) return 'NULL'
  if (typeof element === 'string') return `"${element.replace(special, '\\$&')}"`
  if (element instanceof Date) return `"${element.toISOString()}"`
  if (element instanceof Uint8Array) return `"\\\\x${Buffer.from(element).toString('hex')}"`
  return String(element)
}
