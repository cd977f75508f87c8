import type { Sql } from '../db/sql.ts'

/** A kind of mail that recipients can leave without leaving everything. */
export type SuppressionGroup = {
  groupId: number
  name: string
  description: string
  /** Whether it is meant where a sender names none. */
  isDefault: boolean
  createdAt: Date
  /** A tombstone: what links in mail already sent lead to. */
  deletedAt: Date | null
}

export type GroupFields = Pick<SuppressionGroup, 'name' | 'description' | 'isDefault'>

/** Whether mail of this group can still be unsubscribed from on its own. */
export async function isLiveGroup(sql: Sql, tenantId: number, groupId: number): Promise<boolean> {
  return (await findGroup(sql, tenantId, groupId))?.deletedAt === null
}

/**
 * Whether the group is there, and keeps it until the transaction ends: otherwise an address that is
 * just being added would outlive its group.
 */
export async function holdLiveGroup(sql: Sql, tenantId: number, groupId: number): Promise<boolean> {
  return (await holdLiveGroups(sql, tenantId, [groupId])).has(groupId)
}

/** The same of several: those that are there. */
export async function holdLiveGroups(
  sql: Sql,
  tenantId: number,
  groupIds: readonly number[],
): Promise<Set<number>> {
  const rows = await sql<{ groupId: number }[]>`
    select group_id
    from suppression_group
    where tenant_id = ${tenantId} and group_id = any(${groupIds}::bigint[]) and deleted_at is null
    order by group_id
    for share`
  return new Set(rows.map(({ groupId }) => groupId))
}

/** In the order in which they were made, without deleted ones. */
export async function listGroups(sql: Sql, tenantId: number): Promise<SuppressionGroup[]> {
  return sql<SuppressionGroup[]>`
    select group_id, name, description, is_default, created_at, deleted_at
    from suppression_group
    where tenant_id = ${tenantId} and deleted_at is null
    order by group_id`
}

/**
 * Deleted or not; `null` when this tenant never had it. Tokens have room for larger numbers than the
 * column: those are the id of no group.
 */
export async function findGroup(
  sql: Sql,
  tenantId: number,
  groupId: number,
): Promise<SuppressionGroup | null> {
  const [row] = await sql<SuppressionGroup[]>`
    select group_id, name, description, is_default, created_at, deleted_at
    from suppression_group
    where tenant_id = ${tenantId} and group_id = ${groupId}::bigint`
  return row ?? null
}

/** `null` when a group of this name is there already. A new default takes the place of the old. */
export async function addGroup(
  sql: Sql,
  tenantId: number,
  { name, description, isDefault }: GroupFields,
  now: Date,
): Promise<SuppressionGroup | null> {
  await lockGroups(sql, tenantId)
  if (await isNameTaken(sql, tenantId, name, 0)) return null
  if (isDefault) await clearDefault(sql, tenantId)
  const [row] = await sql<SuppressionGroup[]>`
    insert into suppression_group (tenant_id, name, description, is_default, created_at)
    values (${tenantId}, ${name}, ${description}, ${isDefault}, ${now})
    returning group_id, name, description, is_default, created_at, deleted_at`
  return row ?? null
}

/** The group as it is afterwards. */
export async function updateGroup(
  sql: Sql,
  tenantId: number,
  groupId: number,
  changes: { [field in keyof GroupFields]?: GroupFields[field] | undefined },
): Promise<SuppressionGroup | 'not-found' | 'name-taken'> {
  await lockGroups(sql, tenantId)
  const group = await findGroup(sql, tenantId, groupId)
  if (group === null || group.deletedAt !== null) return 'not-found'
  const {
    name = group.name,
    description = group.description,
    isDefault = group.isDefault,
  } = changes
  if (await isNameTaken(sql, tenantId, name, groupId)) return 'name-taken'
  if (isDefault && !group.isDefault) await clearDefault(sql, tenantId)
  await sql`
    update suppression_group
    set name = ${name}, description = ${description}, is_default = ${isDefault}
    where tenant_id = ${tenantId} and group_id = ${groupId}`
  return { ...group, name, description, isDefault }
}

/** Leaves a tombstone; its entries are still to be removed. `false` when there was no such group. */
export async function buryGroup(
  sql: Sql,
  tenantId: number,
  groupId: number,
  now: Date,
): Promise<boolean> {
  const buried = await sql`
    update suppression_group
    set deleted_at = ${now}, is_default = false
    where tenant_id = ${tenantId} and group_id = ${groupId} and deleted_at is null
    returning 1`
  return buried.length > 0
}

/** Of several that change the groups of a tenant at once, one after the other. */
async function lockGroups(sql: Sql, tenantId: number): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtext('hearback groups'), ${tenantId})`
}

async function isNameTaken(
  sql: Sql,
  tenantId: number,
  name: string,
  exceptGroupId: number,
): Promise<boolean> {
  const rows = await sql`
    select 1
    from suppression_group
    where tenant_id = ${tenantId} and name = ${name} and deleted_at is null
      and group_id <> ${exceptGroupId}`
  return rows.length > 0
}

async function clearDefault(sql: Sql, tenantId: number): Promise<void> {
  await sql`
    update suppression_group
    set is_default = false
    where tenant_id = ${tenantId} and is_default and deleted_at is null`
}
