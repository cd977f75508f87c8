import type { Sql } from '../db/sql.ts'
import type { Actor } from '../feedback/actor.ts'
import type { SuppressionList } from '../feedback/suppression.ts'

/** A change that somebody made by hand. */
export type AuditEntry = {
  id: string
  happenedAt: Date
  actor: Actor
  /** An AuditAction of this version or of an older one. */
  action: string
  list: SuppressionList | null
  /** `null` where there is no group. */
  groupId: number | null
  /** `null`: a change of many addresses or of none. */
  address: string | null
  /** Addresses that were really changed; `null` where none was meant. */
  entries: number | null
  reason: string | null
  requestId: string | null
  detail: Readonly<Record<string, unknown>>
}

/** Which entries: all of those that are given must hold. */
export type AuditFilter = {
  /** Canonical address. */
  address: string | null
  actorId: string | null
  action: string | null
  from: Date | null
  before: Date | null
}

/** Where in the order of the entries one stands. */
export type AuditPosition = Pick<AuditEntry, 'happenedAt' | 'id'>

type Row = Omit<AuditEntry, 'actor' | 'detail'> & {
  actorKind: Actor['kind']
  actorId: string
  actorName: string | null
  detail: string
}

/** Newest first, at most `limit`; `after`: from the entry on that follows this one. */
export async function listAudit(
  sql: Sql,
  tenantId: number,
  { address, actorId, action, from, before }: AuditFilter,
  { limit, after }: { limit: number; after: AuditPosition | null },
): Promise<AuditEntry[]> {
  const rows = await sql<Row[]>`
    select
      audit_entry_id as id, happened_at, actor_kind, actor_id, actor_name, action, list,
      nullif(group_id, 0) as group_id, address, entries, reason, request_id, detail::text
    from audit_entry
    where tenant_id = ${tenantId}
      ${address === null ? sql`` : sql`and address = ${address}`}
      ${actorId === null ? sql`` : sql`and actor_id = ${actorId}`}
      ${action === null ? sql`` : sql`and action = ${action}`}
      ${from === null ? sql`` : sql`and happened_at >= ${from}`}
      ${before === null ? sql`` : sql`and happened_at < ${before}`}
      ${after === null ? sql`` : sql`and (happened_at, audit_entry_id) < (${after.happenedAt}, ${after.id})`}
    order by happened_at desc, audit_entry_id desc
    limit ${limit}`
  return rows.map(entryOf)
}

/** The detail is read here: the driver would rename the keys in it. */
function entryOf({ actorKind, actorId, actorName, detail, ...entry }: Row): AuditEntry {
  // An API key always has a name.
  const actor = { kind: actorKind, id: actorId, name: actorName } as Actor
  return { ...entry, actor, detail: JSON.parse(detail) }
}
