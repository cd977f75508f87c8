import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { addAudit } from '../record/audit.ts'
import {
  changeRecipientPage,
  findRecipientPage,
  type RecipientPage,
} from '../tenant/recipient-page.ts'
import { recipientPageChanges } from '../tenant/recipient-page-changes.ts'
import { recipientPageRecord } from '../tenant/recipient-page-record.ts'
import { commandActor } from './changed-by.ts'
import { CommandError } from './command-error.ts'
import { print } from './output.ts'
import { tenantNamed } from './tenant.ts'
import { withStorage } from './with-storage.ts'

const fields = ['name', 'color', 'landing-url', 'texts', 'logo'] as const

type ShowOptions = { tenant: string; json?: boolean }

type SetOptions = ShowOptions & {
  name?: string
  color?: string
  landingUrl?: string
  /** Files. */
  texts?: string
  logo?: string
  clear?: string[]
  reason?: string
}

export function addPageCommand(program: Command): void {
  const page = program.command('page').description('how the pages of recipients look')
  page
    .command('show')
    .description('what a tenant has set')
    .requiredOption('--tenant <name>', 'whose')
    .option('--json', 'print JSON')
    .action(showPage)
  page
    .command('set')
    .description('change what is given')
    .requiredOption('--tenant <name>', 'whose')
    .option('--name <text>', 'of the sender, as recipients know it')
    .option('--color <#rrggbb>', 'of buttons and links')
    .option('--landing-url <url>', 'where to go on from the confirmation')
    .option('--texts <file>', 'JSON: {"default": {"introduction", "farewell", "footer"}, "de": …}')
    .option('--logo <file>', 'PNG, JPEG or WebP, at most 200 kB')
    .option('--clear <field...>', `take back: ${fields.join(', ')}`)
    .option('--reason <text>', 'why, for the audit trail')
    .option('--json', 'print JSON')
    .action(setPage)
}

async function showPage({ tenant, json = false }: ShowOptions): Promise<void> {
  const page = await withStorage(({ db }) =>
    db.run(async (sql) => findRecipientPage(sql, (await tenantNamed(sql, tenant)).tenantId)),
  )
  print(json, recipientPageRecord(page), described(page))
}

async function setPage(options: SetOptions): Promise<void> {
  const changes = recipientPageChanges.safeParse(given(options))
  if (!changes.success) {
    const [issue] = changes.error.issues
    throw new CommandError(`${issue?.path.join('.')}: ${issue?.message}`)
  }
  const now = new Date()
  const page = await withStorage(({ db }) =>
    db.transaction(async (sql) => {
      const { tenantId } = await tenantNamed(sql, options.tenant)
      const changed = await changeRecipientPage(sql, tenantId, changes.data, now)
      const by = commandActor(options.reason)
      const detail = { page: recipientPageRecord(changed) }
      await addAudit(sql, tenantId, by, [{ action: 'page.update', detail }], now)
      return changed
    }),
  )
  print(options.json ?? false, recipientPageRecord(page), described(page))
}

/** In the shape of the API. */
function given({ clear = [], ...options }: SetOptions): object {
  const unknown = clear.find((field) => !fields.some((known) => known === field))
  if (unknown !== undefined) {
    throw new CommandError(`--clear takes ${fields.join(', ')}, not ${unknown}`)
  }
  return {
    name: options.name,
    color: options.color,
    landing_url: options.landingUrl,
    texts: options.texts === undefined ? undefined : readJson(options.texts),
    logo: options.logo && { data: readBytes(options.logo).toString('base64') },
    ...Object.fromEntries(clear.map((field) => [field.replace('-', '_'), null])),
  }
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readBytes(file).toString('utf8'))
  } catch (error) {
    if (error instanceof CommandError) throw error
    throw new CommandError(`${file} is not JSON`)
  }
}

function readBytes(file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? error.code : error
    throw new CommandError(`${file} cannot be read: ${why}`)
  }
}

function described({ senderName, color, landingUrl, texts, logo }: RecipientPage): string {
  return [
    `name         ${senderName ?? '-'}`,
    `color        ${color ?? '-'}`,
    `landing-url  ${landingUrl ?? '-'}`,
    `texts        ${Object.keys(texts).join(' ') || '-'}`,
    `logo         ${logo ? `${logo.type}, ${logo.bytes} bytes` : '-'}`,
  ].join('\n')
}
