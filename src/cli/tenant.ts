import type { Command } from 'commander'
import { addSigningKey } from '../attribute/keyring.ts'
import type { Sql } from '../db/sql.ts'
import { addTenant, findTenant, listTenants, type Tenant } from '../tenant/tenants.ts'
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
    .command('ls')
    .description('list the tenants')
    .option('--json', 'print JSON')
    .action(async ({ json = false }: { json?: boolean }) => {
      const tenants = await withStorage(({ db }) => db.run(listTenants))
      const rows = tenants.map(({ tenantId, name, bounceDays, suspendedAt }) => [
        String(tenantId),
        name,
        days(bounceDays),
        suspendedAt ? 'suspended' : 'active',
      ])
      print(json, tenants, table(['ID', 'NAME', 'BOUNCES SUPPRESS FOR', 'STATE'], rows))
    })
}

/** A tenant that can sign from its first moment on; one that exists is left as it is. */
export async function createTenant(
  sql: Sql,
  secret: string,
  name: string,
): Promise<{ tenantId: number; isNew: boolean }> {
  if (!/^[\p{L}\p{N}][\p{L}\p{N} ._@-]{0,99}$/u.test(name)) {
    throw new CommandError(
      `${JSON.stringify(name)} cannot name a tenant: 1 to 100 letters, digits, spaces and . _ @ -`,
    )
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

function days({ hard, soft, block }: Tenant['bounceDays']): string {
  const text = (value: number | null): string => (value === null ? 'ever' : `${value} d`)
  return `hard ${text(hard)}, soft ${text(soft)}, block ${text(block)}`
}
