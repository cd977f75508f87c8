import type { Command } from 'commander'
import type { Sql } from '../db/sql.ts'
import { erase, findTraces, type Traces } from '../erase.ts'
import { canonicalAddress } from '../feedback/address.ts'
import { listTenants } from '../tenant/tenants.ts'
import { commandActor } from './changed-by.ts'
import { CommandError } from './command-error.ts'
import { print } from './output.ts'
import { tenantNamed } from './tenant.ts'
import { withStorage } from './with-storage.ts'

type Options = {
  tenant?: string
  allTenants?: boolean
  yes?: boolean
  reason?: string
  json?: boolean
}

export function addEraseCommand(program: Command): void {
  program
    .command('erase <email>')
    .description('forget a person, whom lists go on blocking by a keyed hash of the address')
    .option('--tenant <name>', 'for one tenant')
    .option('--all-tenants', 'for all tenants, and in mail of no tenant')
    .option('--yes', 'do it: this cannot be undone')
    .option('--reason <text>', 'for the audit trail')
    .option('--json', 'print JSON')
    .action(run)
}

async function run(email: string, options: Options): Promise<void> {
  const { yes = false, reason = null, json = false } = options
  const address = canonicalAddress(email)
  if (address === null) throw new CommandError(`${email} is no address`)
  if ((options.tenant === undefined) === (options.allTenants !== true)) {
    throw new CommandError('say for whom: --tenant <name> or --all-tenants')
  }
  const erased = await withStorage(async ({ db, secret }) => {
    const asked = await db.run((sql) => tenantsOf(sql, options.tenant))
    const known: { tenantId: number; traces: Traces }[] = []
    for (const tenantId of asked) {
      known.push({ tenantId, traces: await findTraces(db, tenantId, address) })
    }
    const traces = sumOf(known.map((one) => one.traces))
    if (!yes) {
      throw new CommandError(`${said(traces)}; say --yes to erase them: this cannot be undone`)
    }
    const isKnown = (one: (typeof known)[number]) => !options.allTenants || hasAny(one.traces)
    const tenantIds = known.filter(isKnown).map(({ tenantId }) => tenantId)
    // 0: mail of no tenant.
    const strangers = [...(options.allTenants ? [0] : []), ...asked].filter(
      (tenantId) => !tenantIds.includes(tenantId),
    )
    const deps = { db, secret, now: () => new Date() }
    return erase(deps, { address, tenantIds, strangers }, commandActor(reason))
  })
  const { messages, events } = erased
  print(json, erased, `erased: ${said(erased)}, ${messages} messages, ${events} events`)
}

async function tenantsOf(sql: Sql, name: string | undefined): Promise<number[]> {
  if (name !== undefined) return [(await tenantNamed(sql, name)).tenantId]
  return (await listTenants(sql)).map(({ tenantId }) => tenantId)
}

function hasAny({ entries, feedback, auditEntries }: Traces): boolean {
  return entries + feedback + auditEntries > 0
}

function sumOf(all: readonly Traces[]): Traces {
  return {
    entries: all.reduce((sum, { entries }) => sum + entries, 0),
    feedback: all.reduce((sum, { feedback }) => sum + feedback, 0),
    auditEntries: all.reduce((sum, { auditEntries }) => sum + auditEntries, 0),
  }
}

function said({ entries, feedback, auditEntries }: Traces): string {
  return `${entries} entries of lists, ${feedback} reports and clicks, ${auditEntries} changes by hand`
}
