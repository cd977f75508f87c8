import type { Command } from 'commander'
import type { Sql } from '../db/sql.ts'
import { storageFailure } from '../db/sqlstate.ts'
import { storedOutcomes } from '../record/stored-messages.ts'
import { listTenants } from '../tenant/tenants.ts'
import { commandActor } from './changed-by.ts'
import { CommandError } from './command-error.ts'
import { dateOf } from './date.ts'
import { type Owner, outcomesNamed } from './message-named.ts'
import { providerMeant, providerNames } from './provider.ts'
import { replayOwners } from './replay-run.ts'
import { revertOwners } from './revert-run.ts'
import { tenantNamed } from './tenant.ts'

type Options = {
  since: string
  until?: string
  tenant?: string
  provider?: string
  outcome?: string[]
  revert?: boolean
  restore?: boolean
  dryRun?: boolean
  reason?: string
  json?: boolean
}

export function addReplayCommand(program: Command): void {
  program
    .command('replay')
    .description(
      'run the rules of today over stored mail, and make lists and history what comes out',
    )
    .requiredOption(
      '--since <date>',
      'received then or later: a date, or how long ago, such as 36h',
    )
    .option('--until <date>', 'received earlier than this (default: now)')
    .option('--tenant <name>', 'of one tenant; of all, and of mail of no tenant, when absent')
    .option('--provider <name>', `what it said: ${providerNames}`)
    .option('--outcome <outcome...>', 'only messages of which this became, such as unattributed')
    .option('--revert', 'take back the bounces that the provider reported in this time')
    .option('--restore', 'let bounces count again that were taken back')
    .option('--dry-run', 'only say what would change')
    .option('--reason <text>', 'for the audit trail')
    .option('--json', 'print JSON: a line for each change, then one with the sums')
    .action(run)
}

async function run(options: Options): Promise<void> {
  const now = new Date()
  const { revert = false, restore = false, dryRun: isDry = false, json = false } = options
  const period = {
    since: dateOf('--since', options.since, now),
    before: options.until === undefined ? now : dateOf('--until', options.until, now),
  }
  if (period.before <= period.since) throw new CommandError('--until must be later than --since')
  const provider = options.provider === undefined ? null : providerMeant(options.provider)
  const by = commandActor(options.reason ?? null)
  const owners = (sql: Sql) => ownersOf(sql, options.tenant)
  if (!revert && !restore) {
    const outcomes = outcomesNamed(options.outcome ?? storedOutcomes)
    const query = { ...period, outcomes, provider }
    return untilOutage(() => replayOwners(owners, query, { by, isDry, json }))
  }
  if (revert && restore) throw new CommandError('--revert and --restore exclude each other')
  if (provider === null) throw new CommandError('--revert and --restore need --provider <name>')
  if (options.outcome) throw new CommandError('--outcome does not go with --revert or --restore')
  if (restore && isDry) throw new CommandError('--dry-run does not go with --restore')
  const how = { by, isDry, isRestored: restore, json }
  return untilOutage(() => revertOwners(owners, { ...period, provider }, how))
}

async function untilOutage(work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (storageFailure(error) !== 'outage') throw error
    throw new CommandError(
      'PostgreSQL went away: what is printed above is done, and the same command does the rest',
    )
  }
}

/** The tenant that is named; else mail of nobody, then all tenants in order of their names. */
async function ownersOf(sql: Sql, name: string | undefined): Promise<Owner[]> {
  if (name !== undefined) return [await tenantNamed(sql, name)]
  return [{ tenantId: 0, name: '(platform)' }, ...(await listTenants(sql))]
}
