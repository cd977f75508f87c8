import { writeFileSync } from 'node:fs'
import type { Command } from 'commander'
import {
  addSigningKey,
  exportSigningKey,
  listSigningKeys,
  maxSigningKeys,
} from '../attribute/keyring.ts'
import type { Sql } from '../db/sql.ts'
import { addAudit } from '../record/audit.ts'
import { commandActor } from './changed-by.ts'
import { CommandError } from './command-error.ts'
import { print, table } from './output.ts'
import { tenantNamed } from './tenant.ts'
import { withStorage } from './with-storage.ts'

type ListOptions = { tenant: string; json?: boolean }
type RotateOptions = ListOptions & { reason?: string }
type ExportOptions = RotateOptions & { output?: string }

export function addSigningKeyCommand(program: Command): void {
  const signingKey = program
    .command('signing-key')
    .description('what the return paths and links of a tenant are signed with')
  signingKey
    .command('ls')
    .description('list the keys of a tenant: the newest signs, all verify')
    .requiredOption('--tenant <name>', 'whose')
    .option('--json', 'print JSON')
    .action(listKeys)
  signingKey
    .command('rotate')
    .description('sign with a new key from now on; what older ones signed stays valid')
    .requiredOption('--tenant <name>', 'whose')
    .option('--reason <text>', 'why, for the audit trail')
    .option('--json', 'print JSON')
    .action(rotateKey)
  signingKey
    .command('export')
    .description('the newest key, for a program that signs for this tenant by itself')
    .requiredOption('--tenant <name>', 'whose')
    .option('--output <file>', 'write it to a new file that only you can read')
    .option('--reason <text>', 'why, for the audit trail')
    .option('--json', 'print JSON')
    .action(exportKey)
}

async function listKeys({ tenant, json = false }: ListOptions): Promise<void> {
  const keys = await withStorage(({ db }) =>
    db.run(async (sql) => listSigningKeys(sql, (await tenantNamed(sql, tenant)).tenantId)),
  )
  const rows = keys.map(({ signingKeyId, slot, createdAt }, index) => [
    String(signingKeyId),
    String(slot),
    createdAt.toISOString(),
    index === 0 ? 'signs, verifies' : 'verifies',
  ])
  print(json, keys, table(['ID', 'SLOT', 'MADE', 'USE'], rows))
}

async function rotateKey({ tenant, reason, json = false }: RotateOptions): Promise<void> {
  const key = await withStorage(({ db, secret }) =>
    db.transaction(async (sql) => {
      const { tenantId } = await tenantNamed(sql, tenant)
      const added = await addSigningKey(sql, secret, tenantId)
      if (added === null) throw await allSlotsUsed(sql, tenant, tenantId)
      const detail = { signingKeyId: added.signingKeyId, slot: added.slot }
      const change = { action: 'signing-key.rotate', detail } as const
      await addAudit(sql, tenantId, commandActor(reason), [change], new Date())
      return added
    }),
  )
  const text = `key ${key.signingKeyId} (slot ${key.slot}) signs from now on; older ones verify`
  print(json, key, text)
}

async function allSlotsUsed(sql: Sql, tenant: string, tenantId: number): Promise<CommandError> {
  const oldest = (await listSigningKeys(sql, tenantId)).at(-1)?.createdAt ?? new Date()
  const days = Math.floor((Date.now() - oldest.getTime()) / 86_400_000)
  return new CommandError(
    `tenant ${tenant} has used all ${maxSigningKeys} slots that return paths have room for; the oldest key is ${days} days old and unsubscribe links that it signed must work for ever, so none is used again. Go on with the newest, or make another tenant`,
  )
}

/** The trace comes before the key: it is committed when anything is shown. */
async function exportKey(options: ExportOptions): Promise<void> {
  const { tenant, reason, output = null, json = false } = options
  const exported = await withStorage(({ db, secret }) =>
    db.transaction(async (sql) => {
      const { tenantId } = await tenantNamed(sql, tenant)
      const key = await exportSigningKey(sql, secret, tenantId)
      if (key === null) throw new CommandError(`tenant ${tenant} has no signing key`)
      const { id: signingKeyId, slot, text } = key
      const change = { action: 'signing-key.export', detail: { signingKeyId, slot } } as const
      await addAudit(sql, tenantId, commandActor(reason), [change], new Date())
      return { signingKeyId, slot, key: text }
    }),
  )
  const { key, ...known } = exported
  if (output === null) return print(json, exported, key)
  writeSecret(output, `${key}\n`)
  print(json, { ...known, output }, `key ${known.signingKeyId} written to ${output}`)
}

function writeSecret(file: string, text: string): void {
  try {
    writeFileSync(file, text, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? error.code : error
    throw new CommandError(
      why === 'EEXIST'
        ? `${file} is there already; the key is written to a new file only`
        : `${file} cannot be written: ${why}`,
    )
  }
}
