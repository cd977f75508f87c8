import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { addClassifyCommand } from './classify.ts'
import { addConfigCommand } from './config.ts'
import { addDomainCommand } from './domain.ts'
import { addKeyCommand } from './key.ts'
import { addMigrateCommand } from './migrate.ts'
import { packageRoot } from './package-root.ts'
import { addParseCommand } from './parse.ts'
import { addRulesCommand } from './rules.ts'
import { addTenantCommand } from './tenant.ts'
import { addTokenCommand } from './token.ts'

/** Every command but those that run the daemon. */
export function createProgram(): Command {
  const program = new Command('hearback')
    .description('inbound feedback processor: bounces, feedback reports, unsubscribes')
    .version(version())
    .exitOverride()
  addMigrateCommand(program)
  addConfigCommand(program)
  addParseCommand(program)
  addClassifyCommand(program)
  addRulesCommand(program)
  addTenantCommand(program)
  addKeyCommand(program)
  addDomainCommand(program)
  addTokenCommand(program)
  return program
}

function version(): string {
  const text = readFileSync(join(packageRoot(), 'package.json'), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
