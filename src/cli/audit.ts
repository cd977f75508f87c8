import type { Command } from 'commander'
import { canonicalAddress } from '../feedback/address.ts'
import { isErasedForm } from '../feedback/erased-address.ts'
import { type AuditEntry, listAudit } from '../record/audit-list.ts'
import { createErasure } from '../suppression/erased.ts'
import { CommandError } from './command-error.ts'
import { dateOf } from './date.ts'
import { print, table } from './output.ts'
import { tenantNamed } from './tenant.ts'
import { terminalText } from './terminal-text.ts'
import { withStorage } from './with-storage.ts'

type Options = { tenant: string; email?: string; since?: string; json?: boolean }

const maxEntries = 1_000

export function addAuditCommand(program: Command): void {
  program
    .command('audit')
    .description(`who changed what by hand, newest first (at most ${maxEntries})`)
    .requiredOption('--tenant <name>', 'whose')
    .option('--email <address>', 'of one address')
    .option('--since <date>', 'not older than: 7d, 36h, or a date such as 2030-01-01T12:00Z')
    .option('--json', 'print JSON')
    .action(audit)
}

async function audit({ tenant, email, since, json = false }: Options): Promise<void> {
  const address = email === undefined ? null : canonicalAddress(email)
  if (email !== undefined && address === null) throw new CommandError(`${email} is no address`)
  const from = since === undefined ? null : dateOf('--since', since, new Date())
  const found = await withStorage(async ({ db, secret }) => {
    const { tenantId } = await db.run((sql) => tenantNamed(sql, tenant))
    const asked = address === null ? [] : [address]
    const [stored = null] = await createErasure(db, secret).storedForms(tenantId, asked)
    const filter = { address: stored, actorId: null, action: null, from, before: null }
    return db.run((sql) => listAudit(sql, tenantId, filter, { limit: maxEntries, after: null }))
  })
  const entries = found.map(withoutErased)
  print(json, entries, table(['TIME', 'WHO', 'WHAT', 'OF', 'WHY'], entries.map(row)))
}

/** What stands for a person who was erased is for nobody to see. */
function withoutErased(entry: AuditEntry): AuditEntry {
  const isErased = entry.address !== null && isErasedForm(entry.address)
  return isErased ? { ...entry, address: null } : entry
}

function row({ happenedAt, actor, action, list, groupId, address, entries, reason }: AuditEntry) {
  const many = entries === null ? [] : [`${entries} addresses`]
  const place = [list, groupId === null ? null : `group ${groupId}`].filter((part) => part !== null)
  return [
    happenedAt.toISOString(),
    `${actor.kind} ${actor.name ?? actor.id}`,
    action,
    [...(address === null ? many : [address]), ...place].join(', ') || '-',
    reason ?? '-',
  ].map(terminalText)
}
