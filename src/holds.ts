import type { Database } from './db/sql.ts'
import type { ChangedBy } from './feedback/actor.ts'
import { providerOf } from './feedback/provider.ts'
import { addToOutbox } from './publish/outbox.ts'
import { recomputeSuppressions } from './recompute.ts'
import { addAudit } from './record/audit.ts'
import { addBounceRates, ratesOf, slotOfCommands } from './record/bounce-rate.ts'
import {
  decideHeldFeedback,
  type HeldFilter,
  type HeldReport,
  listHeldFeedback,
} from './record/held-feedback.ts'
import { repeatAfterDeadlock } from './repeat-after-deadlock.ts'

/** So many addresses bear to be recomputed in one transaction. */
const chunk = 500

export type Decided = { reports: number; addresses: number }

/**
 * Applies or drops what was held back as a storm, one transaction after the other; of one provider
 * when it is named. Asked again after it failed half-way, it goes on with what is left.
 */
export async function decideHolds(
  db: Database,
  tenantId: number,
  { provider, ...filter }: HeldFilter & { provider: string | null },
  decision: 'apply' | 'drop',
  by: ChangedBy,
): Promise<Decided> {
  const decided: Decided = { reports: 0, addresses: 0 }
  let reports: HeldReport[] = []
  do {
    const after = reports.at(-1) ?? null
    reports = await db.run((sql) =>
      listHeldFeedback(sql, tenantId, filter, { after, limit: chunk }),
    )
    const meant = reports.filter(
      ({ remoteMta, recipient }) =>
        provider === null || providerOf(remoteMta, recipient) === provider,
    )
    const done = await repeatAfterDeadlock(() => decideChunk(db, tenantId, meant, decision, by))
    decided.reports += done.reports
    decided.addresses += done.addresses
  } while (reports.length === chunk)
  return decided
}

async function decideChunk(
  db: Database,
  tenantId: number,
  reports: readonly HeldReport[],
  decision: 'apply' | 'drop',
  by: ChangedBy,
): Promise<Decided> {
  if (reports.length === 0) return { reports: 0, addresses: 0 }
  const now = new Date()
  return db.transaction(async (sql) => {
    const ids = reports.map(({ feedbackId }) => feedbackId)
    const done = await decideHeldFeedback(sql, tenantId, ids, decision)
    const decided = reports.filter(({ feedbackId }) => done.has(feedbackId))
    const addresses = [...new Set(decided.map(({ recipient }) => recipient))]
    const action = decision === 'apply' ? ('hold.apply' as const) : ('hold.drop' as const)
    const audited = { action, list: 'bounces' as const, groupId: 0, entries: decided.length }
    await addAudit(sql, tenantId, by, decided.length > 0 ? [audited] : [], now)
    if (decision === 'drop') return { reports: decided.length, addresses: 0 }
    const told = decided.map(({ feedbackId, recipient }) => {
      return { change: 'feedback' as const, feedbackId, address: recipient }
    })
    await addToOutbox(sql, tenantId, told, now)
    const effects = await recomputeSuppressions(sql, tenantId, addresses, now)
    await addBounceRates(sql, tenantId, slotOfCommands, ratesOf(decided, 1))
    return { reports: decided.length, addresses: effects.length }
  })
}
