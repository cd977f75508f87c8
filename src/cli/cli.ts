import { Command } from 'commander'
import { addAuditCommand } from './audit.ts'
import { addCheckCommand } from './check.ts'
import { addClassifyCommand } from './classify.ts'
import { addConfigCommand } from './config.ts'
import { addDomainCommand } from './domain.ts'
import { addEraseCommand } from './erase.ts'
import { addExportCommand } from './export.ts'
import { addHoldCommand } from './hold.ts'
import { addImportCommand } from './import.ts'
import { addKeyCommand } from './key.ts'
import { addMigrateCommand } from './migrate.ts'
import { packageVersion } from './package-root.ts'
import { addPageCommand } from './page.ts'
import { addParseCommand } from './parse.ts'
import { addQuarantineCommand } from './quarantine.ts'
import { addReplayCommand } from './replay.ts'
import { addRulesCommand } from './rules.ts'
import { addSigningKeyCommand } from './signing-key.ts'
import { addTenantCommand } from './tenant.ts'
import { addTokenCommand } from './token.ts'

/** Every command but those that run the daemon. */
export function createProgram(): Command {
  const program = new Command('hearback')
    .description('inbound feedback processor: bounces, feedback reports, unsubscribes')
    .version(packageVersion())
    .exitOverride()
  addMigrateCommand(program)
  addConfigCommand(program)
  addParseCommand(program)
  addClassifyCommand(program)
  addRulesCommand(program)
  addCheckCommand(program)
  addTenantCommand(program)
  addKeyCommand(program)
  addAuditCommand(program)
  addImportCommand(program)
  addExportCommand(program)
  addHoldCommand(program)
  addQuarantineCommand(program)
  addReplayCommand(program)
  addEraseCommand(program)
  addDomainCommand(program)
  addSigningKeyCommand(program)
  addTokenCommand(program)
  addPageCommand(program)
  return program
}
