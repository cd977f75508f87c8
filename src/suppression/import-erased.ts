import { canonicalAddress } from '../feedback/address.ts'
import type { Erasure } from './erased.ts'
import type { ImportBatch } from './import-batch.ts'

/** The batch with people who were erased under what stands for them, and without words about them. */
export async function underStoredForms(
  erasure: Erasure,
  tenantId: number,
  batch: ImportBatch,
): Promise<ImportBatch> {
  if (!(await erasure.hasErased(tenantId))) return batch
  const addresses = batch.entries.map(({ address }) => address)
  const forms = await erasure.storedForms(tenantId, addresses)
  const entries = batch.entries.map((entry, place) => {
    const form = forms[place] ?? entry.address
    return form === entry.address ? entry : { ...entry, address: form, reason: null, source: null }
  })
  const wrong = batch.errors.flatMap(({ email }) => addressesIn(email))
  const formsOfWrong = await erasure.storedForms(tenantId, wrong)
  const erased = new Set(wrong.filter((address, place) => formsOfWrong[place] !== address))
  const errors = batch.errors.map((error) => {
    return addressesIn(error.email).some((one) => erased.has(one)) ? { ...error, email: '' } : error
  })
  return { ...batch, entries, errors }
}

/** What is wrong may be beside the address: an open quote, a name before it. */
function addressesIn(text: string): string[] {
  const words = text.match(/[^\s<>"',;:()|]+@[^\s<>"',;:()|]+/g) ?? []
  return words.map(canonicalAddress).filter((address) => address !== null)
}
