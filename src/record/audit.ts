import { uuidv7 } from 'uuidv7'
import { jsonb, type Sql } from '../db/sql.ts'
import type { ChangedBy } from '../feedback/actor.ts'
import { isErasedForm } from '../feedback/erased-address.ts'
import type { SuppressionList } from '../feedback/suppression.ts'

export type AuditAction =
  | 'suppression.add'
  | 'suppression.remove'
  | 'suppression.remove-all'
  | 'suppression.import'
  | 'suppression.import-cancel'
  | 'group.create'
  | 'group.update'
  | 'group.delete'
  | 'api-key.create'
  | 'api-key.revoke'
  | 'message.release'
  | 'message.replay'
  | 'hold.apply'
  | 'hold.drop'
  | 'address.erase'
  | 'signing-key.rotate'
  | 'signing-key.export'
  | 'page.update'
  | 'tenant.update'
  | 'tenant.suspend'
  | 'tenant.resume'
  | 'domain.add'

/** One change by hand. What does not apply stays away. */
export type AuditedChange = {
  action: AuditAction
  list?: SuppressionList
  /** 0 for the lists that have no groups. */
  groupId?: number
  address?: string
  /** How many entries were changed, when it is not the one of `address`. */
  entries?: number
  detail?: object
  /** For what is to be completed later. */
  id?: string
}

/** In the transaction of the changes themselves: what happened without a trace did not happen. */
export async function addAudit(
  sql: Sql,
  tenantId: number,
  { actor, reason, requestId }: ChangedBy,
  changes: readonly AuditedChange[],
  now: Date,
): Promise<void> {
  if (changes.length === 0) return
  const { kind, id, name } = actor
  await sql`
    insert into audit_entry (
      tenant_id, happened_at, actor_kind, actor_id, actor_name, reason, request_id,
      audit_entry_id, action, list, group_id, address, entries, detail)
    select
      ${tenantId}::int, ${now}::timestamptz, ${kind}::text, ${id}::text, ${name}::text,
      r.reason, ${requestId}::text,
      r.audit_entry_id, r.action, r.list, r.group_id, r.address, r.entries, r.detail::jsonb
    from unnest(
      ${changes.map(({ id = uuidv7() }) => id)}::uuid[],
      ${changes.map(({ action }) => action)}::text[],
      ${changes.map(({ list }) => list ?? null)}::text[],
      ${changes.map(({ groupId }) => groupId ?? null)}::int[],
      ${changes.map(({ address }) => address ?? null)}::text[],
      ${changes.map(({ address, entries }) => entries ?? (address ? 1 : null))}::int[],
      ${changes.map(({ detail = {} }) => JSON.stringify(detail))}::text[],
      ${changes.map((change) => (mayBeExplained(change) ? reason : null))}::text[]
    ) as r (audit_entry_id, action, list, group_id, address, entries, detail, reason)`
}

/** Of an erased person no words are kept, but why he was erased. */
function mayBeExplained({ action, address = '' }: AuditedChange): boolean {
  return action === 'address.erase' || !isErasedForm(address)
}

/** What came of a change that was audited when it began, and took more than one transaction. */
export async function completeAudit(
  sql: Sql,
  tenantId: number,
  id: string,
  { entries, detail }: { entries: number; detail: object },
): Promise<void> {
  await sql`
    update audit_entry
    set entries = ${entries}, detail = ${jsonb(sql, detail)}
    where tenant_id = ${tenantId} and audit_entry_id = ${id}`
}
