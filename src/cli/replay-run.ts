import type { Sql } from '../db/sql.ts'
import type { ChangedBy } from '../feedback/actor.ts'
import type { ListEffect, Verdict } from '../feedback/replay.ts'
import {
  type Replayed,
  type ReplayedChunk,
  type ReplayQuery,
  replay,
  replayDry,
} from '../replay.ts'
import { effectText } from './effect-text.ts'
import { createLineOutput, type LineOutput } from './line-output.ts'
import type { Owner } from './message-named.ts'
import { withReplay } from './with-replay.ts'

type Sums = {
  isDryRun: boolean
  /** Messages. */
  read: number
  changed: number
  /** Messages of which nothing can be made any more, by why. */
  undecidable: { 'nothing-kept': number; 'not-ours': number }
  unstorable: number
  /** Entries of lists. */
  added: number
  removed: number
  altered: number
}

/** Replays the mail of one owner after the other, and prints what changes. */
export async function replayOwners(
  owners: (sql: Sql) => Promise<readonly Owner[]>,
  query: ReplayQuery,
  { by, isDry, json }: { by: ChangedBy; isDry: boolean; json: boolean },
): Promise<void> {
  const output = createLineOutput(json)
  const sums: Sums = {
    isDryRun: isDry,
    read: 0,
    changed: 0,
    undecidable: { 'nothing-kept': 0, 'not-ours': 0 },
    unstorable: 0,
    added: 0,
    removed: 0,
    altered: 0,
  }
  await withReplay(async (deps) => {
    const all = await deps.db.run(owners)
    const names = new Map(all.map(({ tenantId, name }) => [tenantId, name]))
    for (const { tenantId } of all) {
      const chunks = isDry ? replayDry(deps, tenantId, query) : replay(deps, tenantId, query, by)
      for await (const chunk of chunks) {
        addTo(sums, chunk)
        for (const one of chunk.replayed) {
          await tell(output, names.get(one.tenantId) ?? `tenant ${one.tenantId}`, one)
        }
      }
    }
  })
  await output.write(sums, textOf(sums))
}

function addTo(sums: Sums, { read, replayed, undecidable, unstorable }: ReplayedChunk): void {
  sums.read += read
  sums.changed += replayed.length
  sums.unstorable += unstorable
  for (const reason of undecidable) sums.undecidable[reason] += 1
  for (const { effect } of replayed.flatMap(({ verdicts }) => verdicts)) {
    if (effect === null) continue
    if (effect.before === null) sums.added += 1
    else if (effect.after === null) sums.removed += 1
    else sums.altered += 1
  }
}

async function tell(output: LineOutput, tenant: string, { change, verdicts }: Replayed) {
  const { receivedMessageId, before, after } = change
  const message = { tenant, receivedMessageId, outcome: { before, after } }
  if (verdicts.length === 0) {
    const [was, is] = [before, after].map(({ outcome, reason }) => said([outcome, reason]))
    await output.write(message, `${tenant}  message ${receivedMessageId}  ${was} -> ${is}`)
  }
  for (const { verdict, effect } of verdicts) {
    const { address, before, after } = verdict
    const { kind } = after ?? before ?? { kind: 'bounce' }
    const list: ListEffect | null = effect
    const fate = effect === null ? '' : `  [${effectText(effect)}]`
    await output.write(
      { ...message, address, kind, before, after, list },
      `${tenant}  ${address}  ${kind}: ${verdictText(before)} -> ${verdictText(after)}${fate}`,
    )
  }
}

function verdictText(verdict: Verdict | null): string {
  if (verdict === null) return 'nothing'
  const { kind, bounceClass, classification, rule, isExpired } = verdict
  const what = kind === 'bounce' ? [bounceClass, classification, rule && `(${rule})`] : ['recorded']
  return said([...what, isExpired ? 'without effect' : null])
}

function said(parts: readonly (string | null)[]): string {
  return parts.filter((part) => part !== null && part !== '').join(' ')
}

function textOf({ isDryRun, read, changed, undecidable, unstorable, ...lists }: Sums): string {
  const { added, removed, altered } = lists
  const would = isDryRun ? 'would change' : 'changed'
  const unread = undecidable['nothing-kept']
  const foreign = undecidable['not-ours']
  return [
    `${read} messages read, ${changed} ${would}; lists: ${added} added, ${removed} removed, ${altered} altered`,
    ...(unread > 0 ? [`${unread} skipped: neither bytes nor report are kept`] : []),
    ...(foreign > 0
      ? [`${foreign} skipped: sent to what is no address of the tenant any more`]
      : []),
    ...(unstorable > 0 ? [`${unstorable} left as they were: PostgreSQL refuses them`] : []),
  ].join('; ')
}
