import type { Sql } from '../db/sql.ts'
import type { BounceClass } from '../feedback/feedback.ts'
import type { ListKey } from './list.ts'

/** What the line of a file said that put an address onto a list. */
export type ImportLine = {
  since: Date
  bounceClass: BounceClass | null
  status: string | null
  reason: string | null
  source: string | null
}

/** `null` when the address is not on the list, or came there in another way. */
export async function findImportLine(
  sql: Sql,
  tenantId: number,
  { list, groupId }: ListKey,
  address: string,
): Promise<ImportLine | null> {
  const [row] = await sql<(ImportLine & { replaced: ReplacedLine | null })[]>`
    select
      created_at as since, bounce_class, status, reason, source,
      nullif(import_line, '{}') as replaced
    from suppression
    where tenant_id = ${tenantId} and address = ${address}
      and list = ${list} and group_id = ${groupId} and import_line is not null`
  if (row === undefined) return null
  const { replaced, ...line } = row
  return replaced === null ? line : { ...replaced, since: new Date(replaced.since) }
}

/** As it stands in jsonb. */
type ReplacedLine = Omit<ImportLine, 'since'> & { since: string }
