import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type Command, Option } from 'commander'
import { exportList } from '../export.ts'
import { type ExportFormat, exportFormats } from '../feedback/export-record.ts'
import type { SuppressionList } from '../feedback/suppression.ts'
import { isLiveGroup } from '../suppression/groups.ts'
import { CommandError } from './command-error.ts'
import { groupId, listNames } from './import.ts'
import { tenantNamed } from './tenant.ts'
import { withStorage } from './with-storage.ts'

type Options = {
  tenant: string
  list: SuppressionList
  group?: number
  format: ExportFormat
  output?: string
}

export function addExportCommand(program: Command): void {
  program
    .command('export')
    .description('write a list as CSV, which `import` reads, or as one JSON object a line')
    .requiredOption('--tenant <name>', 'whose list')
    .addOption(new Option('--list <name>', 'which list').choices(listNames).makeOptionMandatory())
    .option('--group <id>', 'the group of group unsubscribes', groupId)
    .addOption(new Option('--format <name>', 'csv or ndjson').choices(exportFormats).default('csv'))
    .option('--output <file>', 'where to (default: standard output)')
    .action(exportCommand)
}

async function exportCommand({ tenant, list, group, format, output }: Options): Promise<void> {
  if ((list === 'group_unsubscribes') !== (group !== undefined)) {
    throw new CommandError('--group <id> goes with --list group_unsubscribes')
  }
  await withStorage(async ({ db }) => {
    const { tenantId } = await db.run((sql) => tenantNamed(sql, tenant))
    if (group !== undefined && !(await db.run((sql) => isLiveGroup(sql, tenantId, group)))) {
      throw new CommandError(`the tenant has no group ${group}`)
    }
    const key = { list, groupId: group ?? 0 }
    const text = await exportList({ db, now: () => new Date() }, tenantId, key, format)
    await (output === undefined ? writeOut(text) : writeFile(text, output))
  })
}

/** Under another name until it is whole: nobody takes a half for the list. */
async function writeFile(text: AsyncIterable<string>, path: string): Promise<void> {
  const unfinished = `${path}.part`
  try {
    await pipeline(Readable.from(text), createWriteStream(unfinished, { mode: 0o600 }))
    await rename(unfinished, path)
  } catch (error) {
    await rm(unfinished, { force: true })
    if (!(error instanceof Error && 'syscall' in error)) throw error
    throw new CommandError(`cannot write ${path}: ${error.message}`)
  }
}

/** Waits for a slow reader; ends quietly when it has gone away, as `head` does. */
async function writeOut(text: AsyncIterable<string>): Promise<void> {
  try {
    await pipeline(Readable.from(text), process.stdout, { end: false })
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EPIPE')) throw error
  }
}
