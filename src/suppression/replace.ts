import type { Sql } from '../db/sql.ts'
import type { BounceClass } from '../feedback/feedback.ts'
import type { Origin, ReportedList, SuppressionEntry } from '../feedback/suppression.ts'
import { type AddedSuppression, addSuppressions } from './add.ts'
import { keptImportLine } from './merge.ts'
import { removeLocked } from './remove.ts'

/** An entry as far as it changes when reports are read anew. */
export type ReportedEntry = {
  address: string
  list: ReportedList
  origin: Origin
  /** It began with a line of a file, which has no history. */
  isImported: boolean
  /** The strongest class that stands; `null` for complaints. */
  bounceClass: BounceClass | null
  /** `null`: until removed. */
  until: Date | null
}

/**
 * The entries of addresses on the lists that reports fill. With `isHeld` they stay as they are until
 * the transaction ends; in the order in which addSuppressions locks.
 */
export async function findReportedEntries(
  sql: Sql,
  tenantId: number,
  addresses: readonly string[],
  { now, isHeld }: { now: Date; isHeld: boolean },
): Promise<ReportedEntry[]> {
  return sql<ReportedEntry[]>`
    select
      address, list, origin, import_line is not null as is_imported, expires_at as until,
      case
        when hard_until > ${now} then 'hard'
        when soft_until > ${now} then 'soft'
        when block_until > ${now} then 'block'
        else bounce_class
      end as bounce_class
    from suppression
    where tenant_id = ${tenantId} and address = any(${addresses}::text[])
      and list in ('bounces', 'spam_reports')
    order by address, list
    ${isHeld ? sql`for update` : sql``}`
}

/**
 * Makes the entries of held addresses on one list what `entries` says, whatever they were: those of
 * `gone` leave it. Gives back the addresses that are new there.
 */
export async function replaceEntries(
  sql: Sql,
  tenantId: number,
  list: ReportedList,
  { entries, gone }: { entries: readonly SuppressionEntry[]; gone: readonly string[] },
): Promise<AddedSuppression[]> {
  await removeLocked(sql, tenantId, { list, groupId: 0 }, gone)
  // Emptied, not deleted: whoever waits for the row must find it, and the merge fills it again.
  await sql`
    update suppression as s
    set
      import_line = ${keptImportLine(sql)}, created_at = 'infinity', origin = 'report', expires_at = '-infinity',
      suppresses_until = null, hard_until = null, soft_until = null, block_until = null,
      bounce_class = null, status = null, reason = null, source = null
    where tenant_id = ${tenantId} and list = ${list} and group_id = 0
      and address = any(${entries.map(({ address }) => address)}::text[])`
  return addSuppressions(sql, tenantId, entries)
}
