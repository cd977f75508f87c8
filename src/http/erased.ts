import { canonicalAddress } from '../feedback/address.ts'
import type { Erasure } from '../suppression/erased.ts'

/**
 * Does some work with what a request says as if people who were erased had no other name than the
 * one that stands for them, and gives back the result with the addresses that were asked for. Of a
 * tenant who never erased anybody it costs nothing.
 */
export async function underStoredNames<Said, Result>(
  erasure: Erasure,
  tenantId: number,
  said: Said,
  work: (said: Said) => Promise<Result>,
): Promise<Result> {
  if (!(await erasure.hasErased(tenantId))) return work(said)
  const addresses = [...addressesIn(said)]
  const forms = await erasure.storedForms(tenantId, addresses)
  const stored = new Map(addresses.map((address, at) => [address, forms[at] ?? address]))
  const asked = new Map(addresses.map((address, at) => [forms[at] ?? address, address]))
  return renamed(await work(renamed(said, stored)), asked)
}

function addressesIn(value: unknown, found: Set<string> = new Set()): Set<string> {
  if (typeof value === 'string') {
    if (value.includes('@') && canonicalAddress(value) === value) found.add(value)
  } else if (Array.isArray(value)) {
    for (const one of value) addressesIn(one, found)
  } else if (isPlain(value)) {
    for (const one of Object.values(value)) addressesIn(one, found)
  }
  return found
}

/** The same value with other names in it. */
function renamed<Value>(value: Value, names: ReadonlyMap<string, string>): Value
function renamed(value: unknown, names: ReadonlyMap<string, string>): unknown {
  if (typeof value === 'string') return names.get(value) ?? value
  if (Array.isArray(value)) return value.map((one) => renamed(one, names))
  if (!isPlain(value)) return value
  const entries = Object.entries(value).map(([key, one]) => [key, renamed(one, names)])
  return Object.fromEntries(entries)
}

/** Not what has a life of its own, such as a date or a stream. */
function isPlain(value: unknown): value is object {
  return typeof value === 'object' && value !== null && value.constructor === Object
}
