import type { Command } from 'commander'
import { addAudit } from '../record/audit.ts'
import {
  type ApiKey,
  type ApiKeyScope,
  ApiKeyTakenError,
  addApiKey,
  apiKeyHash,
  apiKeyScopes,
  findApiKey,
  findApiKeyById,
  isApiKey,
  isInForce,
  listApiKeys,
  revokeApiKey,
} from '../tenant/api-key.ts'
import { commandActor } from './changed-by.ts'
import { CommandError } from './command-error.ts'
import { dateOf } from './date.ts'
import { print, table } from './output.ts'
import { tenantNamed } from './tenant.ts'
import { withStorage } from './with-storage.ts'

type AddOptions = {
  tenant: string
  name: string
  scope?: string[]
  key?: string
  expires?: string
  reason?: string
  json?: boolean
}

export function addKeyCommand(program: Command): void {
  const key = program.command('key').description('keys of the v3 API')
  key
    .command('add')
    .description('make a key; it is shown this once')
    .requiredOption('--tenant <name>', 'whose lists it opens')
    .option('--name <text>', 'what it is for', 'api')
    .option('--scope <scope...>', `some of ${apiKeyScopes.join(', ')} (default: all)`)
    .option('--expires <date>', 'last moment, such as 2030-01-01 or 2030-01-01T12:00Z')
    .option('--key <text>', 'take this one: 16 to 128 printable characters')
    .option('--reason <text>', 'for the audit trail')
    .option('--json', 'print JSON')
    .action(addKey)
  key
    .command('ls')
    .description('list the keys of a tenant')
    .requiredOption('--tenant <name>', 'whose')
    .option('--json', 'print JSON')
    .action(listKeys)
  key
    .command('revoke <id>')
    .description('end a key, in 30 seconds everywhere')
    .requiredOption('--tenant <name>', 'whose')
    .option('--reason <text>', 'for the audit trail')
    .option('--json', 'print JSON')
    .action(revokeKey)
}

async function addKey(options: AddOptions): Promise<void> {
  const { name, tenant: tenantName, key: given = null, json = false } = options
  if (given !== null && !isApiKey(given)) {
    throw new CommandError('--key takes 16 to 128 printable characters without spaces')
  }
  const scopes = scopesNamed(options.scope ?? apiKeyScopes)
  const { expires } = options
  const expiresAt = expires === undefined ? null : dateOf('--expires', expires, new Date())
  const { key, stored } = await withStorage(({ db }) =>
    db.transaction(async (sql) => {
      const { tenantId } = await tenantNamed(sql, tenantName)
      const wanted = { tenantId, name, scopes, expiresAt, key: given }
      const isKnown = given !== null && (await findApiKey(sql, apiKeyHash(given))) !== null
      const key = await addApiKey(sql, wanted).catch(refuseTaken)
      const stored = await findApiKey(sql, apiKeyHash(key))
      const detail = { apiKeyId: stored?.apiKeyId, name, scopes, expiresAt }
      const changes = isKnown ? [] : [{ action: 'api-key.create' as const, detail }]
      await addAudit(sql, tenantId, commandActor(options.reason ?? null), changes, new Date())
      return { key, stored }
    }),
  )
  print(json, { tenant: tenantName, name: stored?.name ?? name, scopes, key }, key)
}

function refuseTaken(error: unknown): never {
  if (!(error instanceof ApiKeyTakenError)) throw error
  const { known } = error
  if (known === null) throw new CommandError('this key is there already, for another tenant')
  throw new CommandError(
    `this key is there already: ${stateOf(known)}, with ${known.scopes.join(' ')}; take another`,
  )
}

function scopesNamed(names: readonly string[]): ApiKeyScope[] {
  return names.map((name) => {
    const scope = apiKeyScopes.find((known) => known === name)
    if (scope) return scope
    throw new CommandError(`there is no scope ${name}; there are ${apiKeyScopes.join(', ')}`)
  })
}

async function listKeys({
  tenant,
  json = false,
}: {
  tenant: string
  json?: boolean
}): Promise<void> {
  const keys = await withStorage(({ db }) =>
    db.run(async (sql) => listApiKeys(sql, (await tenantNamed(sql, tenant)).tenantId)),
  )
  const rows = keys.map((one) => [
    one.apiKeyId,
    `${one.prefix}…`,
    one.name,
    stateOf(one),
    one.scopes.join(' '),
  ])
  print(json, keys, table(['ID', 'KEY', 'NAME', 'STATE', 'SCOPES'], rows))
}

function stateOf({ revokedAt, expiresAt }: ApiKey): string {
  if (revokedAt) return 'revoked'
  if (!expiresAt) return 'in force'
  const isOver = !isInForce({ revokedAt, expiresAt }, new Date())
  return `${isOver ? 'expired' : 'until'} ${expiresAt.toISOString()}`
}

async function revokeKey(
  id: string,
  { tenant, reason, json = false }: { tenant: string; reason?: string; json?: boolean },
): Promise<void> {
  if (!/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id)) {
    throw new CommandError(`${id} is no id of a key; \`hearback key ls\` shows them`)
  }
  const revoked = await withStorage(({ db }) =>
    db.transaction(async (sql) => {
      const { tenantId } = await tenantNamed(sql, tenant)
      const key = await findApiKeyById(sql, tenantId, id)
      if (key === null || !(await revokeApiKey(sql, tenantId, id))) return false
      const { apiKeyId, name } = key
      const change = { action: 'api-key.revoke' as const, detail: { apiKeyId, name } }
      await addAudit(sql, tenantId, commandActor(reason ?? null), [change], new Date())
      return true
    }),
  )
  if (!revoked) throw new CommandError(`tenant ${tenant} has no key ${id} in force`)
  print(json, { apiKeyId: id, revoked }, `key ${id} revoked`)
}
