import { type Command, InvalidArgumentError } from 'commander'
import type { Sql } from '../db/sql.ts'
import { canonicalAddress } from '../feedback/address.ts'
import { checkAddresses, noBypass, UnknownGroupError, type Verdict } from '../suppression/check.ts'
import { type CheckRecord, checkRecord } from '../suppression/check-record.ts'
import { createErasure } from '../suppression/erased.ts'
import { CommandError } from './command-error.ts'
import { print, table } from './output.ts'
import { tenantNamed } from './tenant.ts'
import { withStorage } from './with-storage.ts'

/** Of one statement. */
const chunk = 1_000
const exitCodeSuppressed = 1

type Options = { tenant: string; group?: number; json?: boolean }

export function addCheckCommand(program: Command): void {
  program
    .command('check')
    .description('may mail be sent? Ends with exit code 1 when it may not to all of them')
    .argument('<addresses...>')
    .requiredOption('--tenant <name>', 'whose lists')
    .option('--group <id>', 'what the mail is about (default: the default group)', groupId)
    .option('--json', 'print JSON')
    .action(check)
}

async function check(texts: string[], { tenant, group, json = false }: Options): Promise<void> {
  const addresses = texts.map((text) => {
    const address = canonicalAddress(text)
    if (address === null) throw new CommandError(`${text} is no address`)
    return address
  })
  const results = await withStorage(async ({ db, secret }) => {
    const { tenantId } = await db.run((sql) => tenantNamed(sql, tenant))
    const erasure = createErasure(db, secret)
    const records: CheckRecord[] = []
    for (let from = 0; from < addresses.length; from += chunk) {
      const some = addresses.slice(from, from + chunk)
      const stored = await erasure.storedForms(tenantId, some)
      const verdicts = await db.run((sql) => checkSome(sql, tenantId, stored, group ?? null))
      records.push(...verdicts.map((verdict, at) => checkRecord(some[at] ?? '', verdict)))
    }
    return records
  })
  const rows = results.map(({ email, reason, lists }) => [
    email,
    reason ?? 'may be sent',
    lists.map(words).join(', '),
  ])
  print(json, { results }, table(['ADDRESS', 'VERDICT', 'LISTS'], rows))
  if (results.some(({ suppressed }) => suppressed)) process.exitCode = exitCodeSuppressed
}

async function checkSome(
  sql: Sql,
  tenantId: number,
  addresses: readonly string[],
  groupId: number | null,
): Promise<Verdict[]> {
  try {
    return await checkAddresses(sql, tenantId, addresses, groupId, noBypass, new Date())
  } catch (error) {
    if (!(error instanceof UnknownGroupError)) throw error
    throw new CommandError(`the tenant has no group ${groupId}`)
  }
}

function words({ list, bounce_type: type, group_id: id, until }: CheckRecord['lists'][0]): string {
  const which = type ?? id
  const end = until === null ? '' : ` until ${new Date(until * 1000).toISOString()}`
  return `${list}${which === undefined ? '' : ` (${which})`}${end}`
}

function groupId(text: string): number {
  const id = Number(text)
  if (Number.isInteger(id) && id > 0 && id <= 0x7fffffff) return id
  throw new InvalidArgumentError('a group is a positive whole number')
}
