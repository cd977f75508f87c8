import type postgres from 'postgres'
import { expect } from 'vitest'
import type { SuppressionEntry } from '../../src/feedback/suppression.ts'

export const bounces = { list: 'bounces', groupId: 0 } as const

/** A hard bounce that stands until it is removed. */
export function entry(address: string, over: Partial<SuppressionEntry> = {}): SuppressionEntry {
  return {
    ...bounces,
    address,
    origin: 'report',
    since: new Date('2026-01-01T00:00:00Z'),
    until: null,
    suppresses: true,
    bounceClass: 'hard',
    status: '5.1.1',
    reason: 'gone',
    source: null,
    ...over,
  }
}

/** Resolves when so many sessions of this database wait for a lock. */
export async function lockWaiters(sql: postgres.Sql, sessions: number): Promise<void> {
  const waiting = () => sql`
    select 1 from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'`
  await expect.poll(async () => (await waiting()).length, { timeout: 10_000 }).toBe(sessions)
}
