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
  return { ...batch, entries }
}
