import type { Command } from 'commander'
import { readConfig } from '../config.ts'
import { createLog } from '../log.ts'
import { print } from './output.ts'
import { openStorage } from './storage.ts'

export function addMigrateCommand(program: Command): void {
  program
    .command('migrate')
    .description('bring the tables of the database up to this version (serve does it at its start)')
    .option('--json', 'print JSON')
    .action(async ({ json = false }: { json?: boolean }) => {
      const storage = await openStorage(readConfig(), 'command', createLog('warn'))
      await storage.close()
      const { applied } = storage
      const text = applied.length > 0 ? `applied ${applied.join(', ')}` : 'nothing to do'
      print(json, { applied }, text)
    })
}
