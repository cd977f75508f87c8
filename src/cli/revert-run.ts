import type { Sql } from '../db/sql.ts'
import type { ChangedBy } from '../feedback/actor.ts'
import { revert, revertDry, type Wave } from '../revert.ts'
import { effectText } from './effect-text.ts'
import { createLineOutput } from './line-output.ts'
import type { Owner } from './message-named.ts'
import { withStorage } from './with-storage.ts'

type How = { by: ChangedBy; isDry: boolean; isRestored: boolean; json: boolean }

type Sums = {
  isDryRun: boolean
  bounces: number
  held: number
  added: number
  removed: number
  altered: number
}

/** Takes back what a provider reported by mistake, of one owner after the other. */
export async function revertOwners(
  owners: (sql: Sql) => Promise<readonly Owner[]>,
  wave: Wave,
  { by, isDry, isRestored, json }: How,
): Promise<void> {
  const output = createLineOutput(json)
  const sums: Sums = { isDryRun: isDry, bounces: 0, held: 0, added: 0, removed: 0, altered: 0 }
  await withStorage(async ({ db }) => {
    for (const { tenantId, name: tenant } of await db.run(owners)) {
      // Mail of nobody put nobody onto a list.
      if (tenantId === 0) continue
      const now = () => new Date()
      const chunks = isDry
        ? revertDry(db, tenantId, wave, now())
        : revert(db, tenantId, wave, { by, isRestored, now })
      for await (const { bounces, held, effects } of chunks) {
        sums.bounces += bounces
        sums.held += held
        for (const effect of effects) {
          if (effect.before === null) sums.added += 1
          else if (effect.after === null) sums.removed += 1
          else sums.altered += 1
          const text = `${tenant}  ${effect.address}  [${effectText(effect)}]`
          await output.write({ tenant, ...effect }, text)
        }
      }
    }
  })
  await output.write(sums, sumText(wave, sums, isRestored))
}

/** With the hours, which the operator need not have said to the minute. */
function sumText(
  { provider, since, before }: Wave,
  { isDryRun, bounces, held, added, removed, altered }: Sums,
  isRestored: boolean,
): string {
  const hours = `${since.toISOString()} to ${before.toISOString()}`
  const would = isDryRun ? 'would ' : ''
  const counted = `${bounces} bounces ${would}count ${isRestored ? 'again' : 'no longer'}`
  const waiting = `${held} held back ${would}wait ${isRestored ? 'again' : 'no longer'}`
  const lists = `${added} added, ${removed} removed, ${altered} altered`
  const parts = held === 0 ? [counted] : [counted, waiting]
  return `${parts.join(', ')}; lists: ${lists} (${provider}, ${hours})`
}
