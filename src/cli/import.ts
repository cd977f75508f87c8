import { type Command, InvalidArgumentError, Option } from 'commander'
import type { Database } from '../db/sql.ts'
import type { BounceClass } from '../feedback/feedback.ts'
import { type ImportFormat, importFormats } from '../feedback/import-format.ts'
import type { ImportTarget } from '../feedback/import-kind.ts'
import type { SuppressionList } from '../feedback/suppression.ts'
import { importFile, previewImport } from '../import.ts'
import { type Dialect, ImportFileError, sniff, sniffBytes } from '../suppression/csv-sniff.ts'
import { createErasure } from '../suppression/erased.ts'
import { isLiveGroup } from '../suppression/groups.ts'
import { type ImportResult, UnknownGroupError } from '../suppression/import-order.ts'
import { pieces } from '../suppression/import-pieces.ts'
import { commandActor } from './changed-by.ts'
import { CommandError } from './command-error.ts'
import { createImportProgress } from './import-progress.ts'
import { openImportSource } from './import-source.ts'
import { print, table } from './output.ts'
import { tenantNamed } from './tenant.ts'
import { terminalText } from './terminal-text.ts'
import { withStorage } from './with-storage.ts'

type Options = {
  tenant: string
  list?: SuppressionList
  group?: number
  bounceType: BounceClass
  format: ImportFormat | 'auto'
  events?: boolean
  reason?: string
  dryRun?: boolean
  json?: boolean
}

export const listNames = [
  'bounces',
  'spam_reports',
  'global_unsubscribes',
  'group_unsubscribes',
] as const satisfies readonly SuppressionList[]

export function addImportCommand(program: Command): void {
  program
    .command('import <file>')
    .description(
      'put the addresses of a CSV file onto lists; - for standard input, gzip is unpacked',
    )
    .requiredOption('--tenant <name>', 'whose lists')
    .addOption(
      new Option('--list <name>', 'which list (default: as the file says)').choices(listNames),
    )
    .option('--group <id>', 'the group of group unsubscribes', groupId)
    .addOption(
      new Option('--bounce-type <type>', 'of bounces that do not say it')
        .choices(['hard', 'soft', 'block'])
        .default('hard'),
    )
    .addOption(
      new Option('--format <whose>', 'whose export it is')
        .choices(['auto', ...importFormats])
        .default('auto'),
    )
    .option('--events', 'an event of its own for each address, for other systems')
    .option('--reason <text>', 'why, for the audit trail')
    .option('--dry-run', 'only say what it would do')
    .option('--json', 'print JSON')
    .action(importCommand)
}

async function importCommand(path: string, options: Options): Promise<void> {
  const result = await runImport(path, options).catch(explain)
  const { errorCount, ...rest } = result
  const asJson = { ...rest, error_count: errorCount, dry_run: options.dryRun ?? false }
  print(options.json ?? false, asJson, described(result, options.dryRun ?? false))
}

async function runImport(path: string, options: Options): Promise<ImportResult> {
  const source = openImportSource(path)
  const format = options.format === 'auto' ? null : options.format
  const { dialect, file } = await look(source.bytes, options.list ?? null, format)
  const target = targetOf(options, dialect)
  return withStorage(async ({ db, secret }) => {
    const { tenantId } = await db.run((sql) => tenantNamed(sql, options.tenant))
    await demandGroup(db, tenantId, target)
    const by = commandActor(options.reason)
    const order = { tenantId, by, target, format, tellsEach: options.events ?? false }
    const progress = createImportProgress(source, process.stderr)
    const erasure = createErasure(db, secret)
    const work = options.dryRun ? previewImport : importFile
    try {
      return await work({ db, erasure, now: () => new Date() }, order, file, progress.update)
    } finally {
      progress.end()
    }
  })
}

/** How a file is written, and the file from its beginning on. */
async function look(
  bytes: AsyncIterable<Buffer>,
  list: SuppressionList | null,
  format: ImportFormat | null,
): Promise<{ dialect: Dialect; file: AsyncGenerator<Buffer> }> {
  const parts = pieces(bytes, { firstSize: sniffBytes, size: 0 })
  const { value: first } = await parts.next()
  const begin: Buffer = first?.bytes ?? Buffer.alloc(0)
  const dialect = sniff(begin, first?.isLast ?? true, { list, format })
  async function* file(): AsyncGenerator<Buffer> {
    yield begin
    for await (const { bytes: part } of parts) yield part
  }
  return { dialect, file: file() }
}

function targetOf(
  { list, group, bounceType: bounceClass }: Options,
  dialect: Dialect,
): ImportTarget {
  const target = { groupId: group ?? 0, bounceClass }
  if (list === 'group_unsubscribes' && group === undefined) {
    throw new CommandError('say which group: --group <id>')
  }
  if (list !== undefined) return { ...target, list }
  if (dialect.columns.kind >= 0) return { ...target, list: null }
  const meant = group === undefined ? dialect.list : 'group_unsubscribes'
  if (meant !== null) return { ...target, list: meant }
  throw new CommandError(`this file does not say which list it is: --list ${listNames.join(' | ')}`)
}

async function demandGroup(
  db: Database,
  tenantId: number,
  { groupId: id }: ImportTarget,
): Promise<void> {
  if (id === 0 || (await db.run((sql) => isLiveGroup(sql, tenantId, id)))) return
  throw new CommandError(`the tenant has no group ${id}`)
}

function explain(error: unknown): never {
  if (error instanceof ImportFileError || error instanceof UnknownGroupError) {
    throw new CommandError(error.message)
  }
  throw error
}

const maxErrorsShown = 20

function described(result: ImportResult, isDryRun: boolean): string {
  const { format, imported, skipped, errors, errorCount } = result
  const number = (value: number): string => value.toLocaleString('en')
  const origin = format === 'plain' ? '' : ` (${format} export)`
  const verb = isDryRun ? 'would import' : 'imported'
  const sum = `${verb} ${number(imported)}, skipped ${number(skipped)}, errors ${number(errorCount)}${origin}`
  if (errorCount === 0) return sum
  const rows = errors
    .slice(0, maxErrorsShown)
    .map(({ row, email, error }) => [String(row), terminalText(email), error])
  const more = errorCount - rows.length
  return [
    sum,
    table(['LINE', 'EMAIL', 'ERROR'], rows),
    ...(more > 0 ? [`and ${number(more)} more`] : []),
  ].join('\n')
}

export function groupId(text: string): number {
  const id = /^\d{1,9}$/.test(text) ? Number(text) : 0
  if (id > 0) return id
  throw new InvalidArgumentError('It is a number of a group.')
}
