import { z } from 'zod'
import { addAudit } from '../../record/audit.ts'
import { countGroups, countSuppressions } from '../../suppression/counts.ts'
import {
  addGroup,
  buryGroup,
  findGroup,
  isLiveGroup,
  listGroups,
  type SuppressionGroup,
  updateGroup,
} from '../../suppression/groups.ts'
import { ApiError, ValidationError } from '../errors.ts'
import { optionalText, wholeNumber } from '../validate.ts'
import { removeAll } from './remove.ts'
import { type Caller, type Route, route } from './route.ts'
import { total } from './shapes.ts'

const collection = '/asm/groups'
const one = `${collection}/:group_id`
const tag = 'Suppression groups'

/** PostgreSQL's integer; a larger one is the id of no group. */
export const groupInPath = z.object({ group_id: wholeNumber(0, 2_147_483_647) })

const groupRecord = z
  .strictObject({
    id: z.int(),
    name: z.string(),
    description: z.string(),
    is_default: z.boolean(),
    unsubscribes: z.int().min(0).describe('Addresses that left the group'),
    created_at: z.iso.datetime(),
  })
  .meta({ id: 'Group' })

const name = z
  .string()
  .trim()
  .min(1)
  .max(100)
  .refine((text) => !/\p{Cc}/u.test(text) && text.isWellFormed(), 'Invalid characters')

const newGroup = z.object({
  name,
  description: optionalText(500).transform((text) => text ?? ''),
  is_default: z.boolean().default(false),
})

const groupChanges = z.object({
  name: name.optional(),
  description: optionalText(500)
    .transform((text) => text ?? '')
    .optional(),
  is_default: z.boolean().optional(),
})

export const groupRoutes: readonly Route[] = [
  route(
    {
      method: 'get',
      path: collection,
      scope: 'suppressions.read',
      tag,
      summary: 'List groups',
      responses: { 200: z.strictObject({ groups: z.array(groupRecord), total }) },
    },
    async ({ db, tenantId }) => {
      const groups = await db.run((sql) => listGroups(sql, tenantId))
      const counts = await db.run((sql) => countGroups(sql, tenantId))
      const records = groups.map((group) => record(group, counts.get(group.groupId) ?? 0))
      return { status: 200, body: { groups: records, total: records.length } }
    },
  ),
  route(
    {
      method: 'post',
      path: collection,
      scope: 'suppressions.write',
      tag,
      summary: 'Create a group',
      body: newGroup,
      responses: { 201: groupRecord },
    },
    async ({ body, ...caller }) => ({ status: 201, body: await create(caller, body) }),
  ),
  route(
    {
      method: 'get',
      path: one,
      scope: 'suppressions.read',
      tag,
      summary: 'One group',
      params: groupInPath,
      responses: { 200: groupRecord },
    },
    async ({ params, db, tenantId }) => {
      const group = await db.run((sql) => findGroup(sql, tenantId, params.group_id))
      if (group === null || group.deletedAt !== null) throw notFound()
      return { status: 200, body: await counted({ db, tenantId }, group) }
    },
  ),
  route(
    {
      method: 'patch',
      path: one,
      scope: 'suppressions.write',
      tag,
      summary: 'Change the fields of a group that are given',
      params: groupInPath,
      body: groupChanges,
      responses: { 200: groupRecord },
    },
    async ({ params, body, ...caller }) => ({
      status: 200,
      body: await change(caller, params.group_id, body),
    }),
  ),
  route(
    {
      method: 'delete',
      path: one,
      scope: 'suppressions.write',
      tag,
      summary: 'Delete a group and who left it: mail to them resumes',
      params: groupInPath,
      responses: { 204: null },
    },
    async ({ params, ...caller }) => {
      await remove(caller, params.group_id)
      return { status: 204 }
    },
  ),
]

/** 404 unless the tenant has this group now. */
export async function demandGroup({ db, tenantId }: Caller, groupId: number): Promise<void> {
  if (!(await db.run((sql) => isLiveGroup(sql, tenantId, groupId)))) throw notFound()
}

export function notFound(): ApiError {
  return new ApiError(404, 'Not found')
}

async function create(
  { db, tenantId, by, now }: Caller,
  { name, description, is_default: isDefault }: z.infer<typeof newGroup>,
): Promise<z.infer<typeof groupRecord>> {
  const group = await db.transaction(async (sql) => {
    const added = await addGroup(sql, tenantId, { name, description, isDefault }, now)
    if (added === null) throw nameTaken()
    const audited = { action: 'group.create' as const, groupId: added.groupId, detail: { name } }
    await addAudit(sql, tenantId, by, [audited], now)
    return added
  })
  return record(group, 0)
}

async function change(
  { db, tenantId, by, now }: Caller,
  groupId: number,
  changes: z.infer<typeof groupChanges>,
): Promise<z.infer<typeof groupRecord>> {
  const { name, description, is_default: isDefault } = changes
  const group = await db.transaction(async (sql) => {
    const updated = await updateGroup(sql, tenantId, groupId, { name, description, isDefault })
    if (updated === 'not-found') throw notFound()
    if (updated === 'name-taken') throw nameTaken()
    const audited = { action: 'group.update' as const, groupId, detail: changes }
    await addAudit(sql, tenantId, by, [audited], now)
    return updated
  })
  return counted({ db, tenantId }, group)
}

/** Nobody can join a buried group, so that its entries are gone for good when they are gone. */
async function remove(caller: Caller, groupId: number): Promise<void> {
  const { db, tenantId, by, now } = caller
  const isBuried = await db.transaction(async (sql) => {
    if (!(await buryGroup(sql, tenantId, groupId, now))) return false
    await addAudit(sql, tenantId, by, [{ action: 'group.delete', groupId }], now)
    return true
  })
  // Entries of a tombstone: the deletion before failed half-way.
  const entries = await removeAll(caller, { list: 'group_unsubscribes', groupId })
  if (!isBuried && entries === 0) throw notFound()
}

async function counted(
  { db, tenantId }: Pick<Caller, 'db' | 'tenantId'>,
  group: SuppressionGroup,
): Promise<z.infer<typeof groupRecord>> {
  const unsubscribes = await db.run((sql) =>
    countSuppressions(sql, tenantId, 'group_unsubscribes', group.groupId),
  )
  return record(group, unsubscribes)
}

function record(group: SuppressionGroup, unsubscribes: number): z.infer<typeof groupRecord> {
  return {
    id: group.groupId,
    name: group.name,
    description: group.description,
    is_default: group.isDefault,
    unsubscribes,
    created_at: group.createdAt.toISOString().replace(/\.\d+Z$/, 'Z'),
  }
}

function nameTaken(): ValidationError {
  const msg = 'A group of this name is there already'
  return new ValidationError([{ loc: ['body', 'name'], msg, type: 'value_error' }])
}
