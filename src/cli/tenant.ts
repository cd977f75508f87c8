import { type Command, InvalidArgumentError } from 'commander'
import { addSigningKey } from '../attribute/keyring.ts'
import type { Sql } from '../db/sql.ts'
import { addAudit } from '../record/audit.ts'
import { isTenantName, tenantNameRule } from '../tenant/tenant-name.ts'
import {
  addTenant,
  findTenant,
  listTenants,
  resumeTenant,
  suspendTenant,
  type Tenant,
  updateTenant,
} from '../tenant/tenants.ts'
import { commandActor } from './changed-by.ts'
import { CommandError } from './command-error.ts'
import { print, table } from './output.ts'
import { withStorage } from './with-storage.ts'

export function addTenantCommand(program: Command): void {
  const tenant = program.command('tenant').description('whose suppression lists there are')
  tenant
    .command('add <name>')
    .description('make a tenant and its first signing key')
    .option('--json', 'print JSON')
    .action(async (name: string, { json = false }: { json?: boolean }) => {
      const created = await withStorage(({ db, secret }) =>
        db.transaction((sql) => createTenant(sql, secret, name)),
      )
      const text = created.isNew ? `tenant ${name} made` : `tenant ${name} is there already`
      print(json, { name, ...created }, text)
    })
  tenant
    .command('set <name>')
    .description('how long bounces suppress, and when there are too many to be true')
    .option(
      '--hard-days <days>',
      'days that a reported hard bounce suppresses, or never, or ever',
      days,
    )
    .option('--soft-days <days>', 'of soft bounces', days)
    .option('--block-days <days>', 'of blocks', days)
    .option(
      '--storm-factor <n>',
      'hold back what exceeds the usual number an hour n times; 0: nothing',
      wholeNumber,
    )
    .option(
      '--storm-floor <n>',
      'fewer hard and block reports an hour are never too many',
      wholeNumber,
    )
    .option('--reason <text>', 'for the audit trail')
    .option('--json', 'print JSON')
    .action(setTenant)
  for (const [name, description] of [
    ['suspend', 'let its keys and tokens open nothing, in 30 seconds everywhere; mail is taken on'],
    ['resume', 'let them open what they did before'],
  ] as const) {
    tenant
      .command(`${name} <name>`)
      .description(description)
      .option('--reason <text>', 'for the audit trail')
      .option('--json', 'print JSON')
      .action((tenantName: string, options: StateOptions) => setState(name, tenantName, options))
  }
  tenant
    .command('ls')
    .description('list the tenants')
    .option('--json', 'print JSON')
    .action(async ({ json = false }: { json?: boolean }) => {
      const tenants = await withStorage(({ db }) => db.run(listTenants))
      const rows = tenants.map(({ tenantId, name, bounceDays, suspendedAt }) => [
        String(tenantId),
        name,
        inWords(bounceDays),
        suspendedAt ? 'suspended' : 'active',
      ])
      print(json, tenants, table(['ID', 'NAME', 'BOUNCES SUPPRESS FOR', 'STATE'], rows))
    })
}

type SetOptions = {
  hardDays?: number | null
  softDays?: number | null
  blockDays?: number | null
  stormFactor?: number
  stormFloor?: number
  reason?: string
  json?: boolean
}

async function setTenant(
  name: string,
  { json = false, reason, ...given }: SetOptions,
): Promise<void> {
  const bounceDays = present({ hard: given.hardDays, soft: given.softDays, block: given.blockDays })
  const stormLimits = present({ factor: given.stormFactor, floor: given.stormFloor })
  if (stormLimits.floor === 0) throw new CommandError('--storm-floor takes 1 or more')
  const settings = await withStorage(({ db }) =>
    db.transaction(async (sql) => {
      const { tenantId } = await tenantNamed(sql, name)
      const settings = await updateTenant(sql, tenantId, { bounceDays, stormLimits })
      const change = { action: 'tenant.update' as const, detail: { bounceDays, stormLimits } }
      const isAsked = Object.keys({ ...bounceDays, ...stormLimits }).length > 0
      const by = commandActor(reason ?? null)
      await addAudit(sql, tenantId, by, isAsked ? [change] : [], new Date())
      return settings
    }),
  )
  const { factor, floor } = settings.stormLimits
  const storm = factor === 0 ? 'never' : `over ${factor} times the usual hour and ${floor} reports`
  print(
    json,
    { name, ...settings },
    `bounces suppress: ${inWords(settings.bounceDays)}; held back ${storm}`,
  )
}

type StateOptions = { reason?: string; json?: boolean }

async function setState(
  change: 'suspend' | 'resume',
  name: string,
  { reason, json = false }: StateOptions,
): Promise<void> {
  const isChanged = await withStorage(({ db }) =>
    db.transaction(async (sql) => {
      const { tenantId } = await tenantNamed(sql, name)
      const now = new Date()
      const isChanged =
        change === 'suspend'
          ? await suspendTenant(sql, tenantId, now)
          : await resumeTenant(sql, tenantId)
      const action = change === 'suspend' ? ('tenant.suspend' as const) : ('tenant.resume' as const)
      const by = commandActor(reason ?? null)
      await addAudit(sql, tenantId, by, isChanged ? [{ action }] : [], now)
      return isChanged
    }),
  )
  const state = change === 'suspend' ? 'suspended' : 'active'
  print(
    json,
    { name, state, isChanged },
    `tenant ${name} is ${state}${isChanged ? '' : ' already'}`,
  )
}

/** Without what was not given; `null` was. */
function present<T extends object>(values: T): { [name in keyof T]?: Exclude<T[name], undefined> } {
  const given = Object.entries(values).filter(([, value]) => value !== undefined)
  return Object.fromEntries(given) as { [name in keyof T]?: Exclude<T[name], undefined> }
}

/** `null`: until removed; 0: listed, never suppresses. */
function days(text: string): number | null {
  if (text === 'ever') return null
  const count = text === 'never' ? 0 : wholeNumber(text)
  if (count <= maxDays) return count
  throw new InvalidArgumentError(`It takes at most ${maxDays} days, or ever.`)
}

/** A hundred years; dates beyond the year 9999 cannot be stored. */
const maxDays = 36_500

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It takes a whole number.')
  return Number(text)
}

/** A tenant that can sign from its first moment on; one that exists is left as it is. */
export async function createTenant(
  sql: Sql,
  secret: string,
  name: string,
): Promise<{ tenantId: number; isNew: boolean }> {
  if (!isTenantName(name)) {
    throw new CommandError(`${JSON.stringify(name)} cannot name a tenant: ${tenantNameRule}`)
  }
  const { tenantId, isNew } = await addTenant(sql, name)
  if (isNew) await addSigningKey(sql, secret, tenantId)
  return { tenantId, isNew }
}

/** Throws a CommandError when there is no such tenant. */
export async function tenantNamed(sql: Sql, name: string): Promise<Tenant> {
  const tenant = await findTenant(sql, name)
  if (!tenant) {
    throw new CommandError(`there is no tenant ${name}; \`hearback tenant ls\` lists them`)
  }
  return tenant
}

function inWords({ hard, soft, block }: Tenant['bounceDays']): string {
  const text = (value: number | null): string => (value === null ? 'ever' : `${value} d`)
  return `hard ${text(hard)}, soft ${text(soft)}, block ${text(block)}`
}
