import { z } from 'zod'
import { addAudit } from '../../record/audit.ts'
import {
  type ApiKey,
  addApiKey,
  apiKeyHash,
  apiKeyScopes,
  findApiKey,
  findApiKeyById,
  listApiKeys,
  revokeApiKey,
} from '../../tenant/api-key.ts'
import { ApiError, ValidationError } from '../errors.ts'
import { type Caller, type Route, route } from './route.ts'

const collection = '/api_keys'
const one = `${collection}/:api_key_id`
const shared = { scope: 'admin.api_keys', tag: 'API keys' } as const

const time = z.iso.datetime()
const scopes = z.array(z.enum(apiKeyScopes))

const keyRecord = z
  .strictObject({
    api_key_id: z.uuid(),
    name: z.string(),
    prefix: z.string().describe('The first characters of the key'),
    scopes,
    created_at: time,
    expires_at: time.nullable(),
    revoked_at: time.nullable(),
  })
  .meta({ id: 'ApiKey' })

const newKeyRecord = keyRecord
  .extend({ api_key: z.string().describe('The key itself: shown only now') })
  .meta({ id: 'NewApiKey' })

const newKey = z.object({
  name: z
    .string()
    .trim()
    .min(1)
    .max(100)
    .refine((text) => !/\p{Cc}/u.test(text) && text.isWellFormed(), 'Invalid characters'),
  scopes: scopes.min(1).max(apiKeyScopes.length),
  expires_at: z.iso.datetime({ offset: true }).nullish(),
})

/** Whatever is no id is the id of no key. */
const keyInPath = z.object({ api_key_id: z.string() })

/** `forgetApiKey` ends a revoked key in this process, where it may be remembered. */
export function createApiKeyRoutes({
  forgetApiKey,
}: {
  forgetApiKey: (apiKeyId: string) => void
}): readonly Route[] {
  return [
    route(
      {
        ...shared,
        method: 'get',
        path: collection,
        summary: 'List keys, oldest first, revoked and expired ones among them',
        responses: { 200: z.strictObject({ api_keys: z.array(keyRecord) }) },
      },
      async ({ db, tenantId }) => {
        const keys = await db.run((sql) => listApiKeys(sql, tenantId))
        return { status: 200, body: { api_keys: keys.map(record) } }
      },
    ),
    route(
      {
        ...shared,
        method: 'post',
        path: collection,
        limit: 'rare',
        summary: 'Make a key; it is shown this once, and may no more than the one that makes it',
        body: newKey,
        responses: { 201: newKeyRecord },
      },
      async ({ body, ...caller }) => ({ status: 201, body: await create(caller, body) }),
    ),
    route(
      {
        ...shared,
        method: 'get',
        path: one,
        summary: 'One key',
        params: keyInPath,
        responses: { 200: keyRecord },
      },
      async ({ params, db, tenantId }) => {
        const key = await db.run((sql) => findApiKeyById(sql, tenantId, idOf(params.api_key_id)))
        if (key === null) throw notFound()
        return { status: 200, body: record(key) }
      },
    ),
    route(
      {
        ...shared,
        method: 'delete',
        path: one,
        summary: 'Revoke a key: at once here, within 30 seconds in every other process',
        params: keyInPath,
        responses: { 204: null },
      },
      async ({ params, ...caller }) => {
        const apiKeyId = idOf(params.api_key_id)
        await revoke(caller, apiKeyId)
        forgetApiKey(apiKeyId)
        return { status: 204 }
      },
    ),
  ]
}

async function create(
  { db, tenantId, by, scopes: own, now }: Caller,
  { name, scopes: named, expires_at }: z.infer<typeof newKey>,
): Promise<z.infer<typeof newKeyRecord>> {
  const scopes = apiKeyScopes.filter((scope) => named.includes(scope))
  if (!scopes.every((scope) => own.includes(scope))) {
    throw new ApiError(403, 'A key can have only scopes that the one that makes it has', 'scopes')
  }
  const expiresAt = expires_at ? new Date(expires_at) : null
  if (expiresAt !== null && expiresAt <= now) {
    const msg = 'Must be in the future'
    throw new ValidationError([{ loc: ['body', 'expires_at'], msg, type: 'value_error' }])
  }
  const { key, stored } = await db.transaction(async (sql) => {
    const key = await addApiKey(sql, { tenantId, name, scopes, expiresAt, key: null })
    const stored = await findApiKey(sql, apiKeyHash(key))
    if (stored === null) throw new Error('the key that was just made is not there')
    const detail = { apiKeyId: stored.apiKeyId, name, scopes, expiresAt }
    await addAudit(sql, tenantId, by, [{ action: 'api-key.create', detail }], now)
    return { key, stored }
  })
  return { ...record(stored), api_key: key }
}

/** A key that is revoked already stays so. */
async function revoke({ db, tenantId, by, now }: Caller, apiKeyId: string): Promise<void> {
  await db.transaction(async (sql) => {
    const key = await findApiKeyById(sql, tenantId, apiKeyId)
    if (key === null) throw notFound()
    if (!(await revokeApiKey(sql, tenantId, apiKeyId))) return
    const detail = { apiKeyId, name: key.name }
    await addAudit(sql, tenantId, by, [{ action: 'api-key.revoke', detail }], now)
  })
}

function idOf(text: string): string {
  if (!z.uuid().safeParse(text).success) throw notFound()
  return text.toLowerCase()
}

function notFound(): ApiError {
  return new ApiError(404, 'Not found')
}

function record(key: ApiKey): z.infer<typeof keyRecord> {
  return {
    api_key_id: key.apiKeyId,
    name: key.name,
    prefix: key.prefix,
    scopes: [...key.scopes],
    created_at: key.createdAt.toISOString(),
    expires_at: key.expiresAt?.toISOString() ?? null,
    revoked_at: key.revokedAt?.toISOString() ?? null,
  }
}
