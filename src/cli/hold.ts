import type { Command } from 'commander'
import { providerOf } from '../feedback/provider.ts'
import { decideHolds } from '../holds.ts'
import { summariseHeldFeedback } from '../record/held-feedback.ts'
import { commandActor } from './changed-by.ts'
import { dateOf } from './date.ts'
import { print, table } from './output.ts'
import { providerMeant, providerNames } from './provider.ts'
import { tenantNamed } from './tenant.ts'
import { terminalText } from './terminal-text.ts'
import { withStorage } from './with-storage.ts'

type Options = {
  tenant: string
  provider?: string
  since?: string
  until?: string
  reason?: string
  json?: boolean
}

const maxLines = 1_000

export function addHoldCommand(program: Command): void {
  const hold = program
    .command('hold')
    .description('hard and block reports that were held back because there were far too many')
  for (const [name, description] of [
    ['ls', 'what waits for a decision, by hour and server'],
    ['apply', 'they were right: suppress'],
    ['drop', 'they were wrong: never suppress; the reports stay in the history'],
  ] as const) {
    const command = hold
      .command(name)
      .description(description)
      .requiredOption('--tenant <name>', 'whose')
      .option('--since <date>', 'reported then or later: a date, or how long ago, such as 36h')
      .option('--until <date>', 'reported earlier than this')
      .option('--json', 'print JSON')
    if (name === 'ls') command.action(listHolds)
    else {
      command
        .option('--provider <name>', `of one receiving provider: ${providerNames}`)
        .option('--reason <text>', 'for the audit trail')
        .action((options: Options) => decide(options, name))
    }
  }
}

async function listHolds({ tenant, json = false, ...when }: Options): Promise<void> {
  const filter = period(when)
  const hours = await withStorage(({ db }) =>
    db.run(async (sql) => {
      const { tenantId } = await tenantNamed(sql, tenant)
      return summariseHeldFeedback(sql, tenantId, filter, maxLines)
    }),
  )
  const lines = hours.map((one) => ({ ...one, provider: providerOf(one.host, '') }))
  const rows = lines.map(({ hour, provider, bounceClass, status, reports, reason }) => [
    hour.toISOString().slice(0, 16),
    provider,
    bounceClass,
    status ?? '-',
    String(reports),
    terminalText((reason ?? '-').slice(0, 80)),
  ])
  const header = ['HOUR (UTC)', 'PROVIDER', 'CLASS', 'STATUS', 'REPORTS', 'FOR EXAMPLE']
  print(json, lines, rows.length === 0 ? 'nothing is held back' : table(header, rows))
}

async function decide(options: Options, decision: 'apply' | 'drop'): Promise<void> {
  const { tenant, reason = null, json = false } = options
  const provider = options.provider === undefined ? null : providerMeant(options.provider)
  const filter = { ...period(options), provider }
  const decided = await withStorage(async ({ db }) => {
    const { tenantId } = await db.run((sql) => tenantNamed(sql, tenant))
    return decideHolds(db, tenantId, filter, decision, commandActor(reason))
  })
  const text =
    decision === 'drop'
      ? `${decided.reports} reports dropped`
      : `${decided.reports} reports applied: ${decided.addresses} addresses changed`
  print(json, decided, text)
}

function period({ since, until }: Pick<Options, 'since' | 'until'>) {
  const now = new Date()
  return {
    from: since === undefined ? null : dateOf('--since', since, now),
    before: until === undefined ? null : dateOf('--until', until, now),
  }
}
