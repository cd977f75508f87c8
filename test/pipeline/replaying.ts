import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type postgres from 'postgres'
import { loadRules, type Rules } from '../../src/classify/rules.ts'
import { rulesDirectory } from '../../src/cli/package-root.ts'
import type { ChangedBy } from '../../src/feedback/actor.ts'
import { storedOutcomes } from '../../src/record/stored-messages.ts'
import { type ReplayedChunk, type ReplayQuery, replay, replayDry } from '../../src/replay.ts'
import type { ReplayDeps } from '../../src/stored-decision.ts'

export const by: ChangedBy = {
  actor: { kind: 'command', id: 'operator', name: null },
  reason: null,
  requestId: null,
}

/** The built-in rules as they would be had somebody got these two wrong. */
export function rulesWithFaults(): Rules {
  const folder = mkdtempSync(join(tmpdir(), 'hearback-rules-'))
  const rule = (name: string, text: string, bounceClass: string, reason: string) => {
    return { name, text, bounceClass, reason, example: text, source: 'https://example.com/' }
  }
  const rules = [
    rule('too-quick', 'the quota is used up', 'hard', 'user-unknown'),
    rule('too-slow', 'user unknown in virtual table', 'soft', 'unknown'),
  ]
  writeFileSync(join(folder, 'own.json'), JSON.stringify({ about: 'of yesterday', rules }))
  const loaded = loadRules(rulesDirectory(), folder)
  rmSync(folder, { recursive: true })
  return loaded
}

/** Soft, but hard by the rules with faults. */
export const quota = { status: '5.0.0', text: 'the quota is used up' }
/** Hard, but soft by the rules with faults. */
export const unknown = { status: '5.0.0', text: 'user unknown in virtual table' }

/** All chunks of a replay as one. */
export async function replayAll(
  deps: ReplayDeps,
  tenantId: number,
  { isDry = false, ...query }: Partial<ReplayQuery> & { isDry?: boolean } = {},
): Promise<ReplayedChunk> {
  const asked = { outcomes: storedOutcomes, since: null, before: null, provider: null, ...query }
  const chunks = isDry ? replayDry(deps, tenantId, asked) : replay(deps, tenantId, asked, by)
  let sum: ReplayedChunk = { replayed: [], read: 0, undecidable: [], unstorable: 0 }
  for await (const chunk of chunks) {
    sum = {
      replayed: [...sum.replayed, ...chunk.replayed],
      read: sum.read + chunk.read,
      undecidable: [...sum.undecidable, ...chunk.undecidable],
      unstorable: sum.unstorable + chunk.unstorable,
    }
  }
  return sum
}

/** Class before and after: of the verdict, and of the address on its list. */
export function brief({ replayed }: ReplayedChunk) {
  return replayed.flatMap(({ verdicts }) =>
    verdicts.map(({ verdict: { address, before, after }, effect }) => ({
      address,
      change: [before?.bounceClass ?? null, after?.bounceClass ?? null],
      listed: effect && [effect.before?.bounceClass ?? null, effect.after?.bounceClass ?? null],
    })),
  )
}

/** Lists whose total is not the number of their entries. */
export async function wrongTotals(sql: postgres.Sql): Promise<object[]> {
  return sql`
    select tenant_id, list, group_id, c.entries as counted, s.entries as listed
    from (
      select tenant_id, list, group_id, sum(entries) as entries
      from suppression_count
      group by 1, 2, 3
    ) as c
    full join (
      select tenant_id, list, group_id, count(*) as entries
      from suppression
      group by 1, 2, 3
    ) as s using (tenant_id, list, group_id)
    where coalesce(c.entries, 0) <> coalesce(s.entries, 0)`
}
