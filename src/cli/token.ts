import { type Command, InvalidArgumentError } from 'commander'
import { feedbackHeaders } from '../attribute/feedback-headers.ts'
import { createKeyring } from '../attribute/keyring.ts'
import { maxGroupsToDisplay } from '../attribute/sealed-token.ts'
import { readConfig } from '../config.ts'
import type { Sql } from '../db/sql.ts'
import { canonicalAddress, canonicalDomain } from '../feedback/address.ts'
import { listGroups } from '../suppression/groups.ts'
import { findInboundDomain } from '../tenant/inbound-domains.ts'
import { CommandError } from './command-error.ts'
import { print } from './output.ts'
import { readToken } from './token-reading.ts'
import { withStorage } from './with-storage.ts'

type MakeOptions = {
  domain: string
  email: string
  group?: number
  display?: number[]
  messageId?: string
  json?: boolean
}

export function addTokenCommand(program: Command): void {
  const token = program.command('token').description('signed return paths and unsubscribe links')
  token
    .command('make')
    .description('what to put into one mail for one recipient')
    .requiredOption('--domain <domain>', 'inbound domain of the tenant that sends')
    .requiredOption('--email <address>', 'recipient of the mail')
    .option('--group <id>', 'suppression group of the mail', groupId)
    .option('--display <id...>', 'groups that the preference page shows', collectGroupId)
    .option('--message-id <text>', 'by what the sender knows the mail')
    .option('--json', 'print JSON')
    .action(makeToken)
  token
    .command('read <token>')
    .description('what a return path, a link or another token says, and whether it still acts')
    .option('--json', 'print JSON')
    .action(readToken)
}

async function makeToken(options: MakeOptions): Promise<void> {
  const { group = null, display = [], messageId = null, json = false } = options
  const recipient = canonicalAddress(options.email)
  if (recipient === null) throw new CommandError(`${options.email} is no address`)
  if (messageId === '') throw new CommandError('--message-id takes some text')
  if (display.length > maxGroupsToDisplay) {
    throw new CommandError(`--display takes at most ${maxGroupsToDisplay} groups`)
  }
  const domain = canonicalDomain(options.domain) ?? ''
  const { publicUrl } = readConfig()
  const { returnPath, headers, unsubscribeUrl, preferencesUrl } = await withStorage(
    async ({ db, secret }) => {
      const tenantId = await db.run(async (sql) => {
        const owner = await ownerOf(sql, domain, options.domain)
        await demandGroups(sql, owner, group === null ? display : [group, ...display])
        return owner
      })
      const key = await createKeyring(db, secret).newest(tenantId)
      if (key === null) throw new CommandError(`the tenant of ${domain} has no signing key`)
      const claim = { domain, recipient, groupId: group, groupsToDisplay: display, messageId }
      return feedbackHeaders(key, publicUrl, claim, new Date())
    },
  )
  const made = {
    email: recipient,
    return_path: returnPath,
    headers,
    unsubscribe_url: unsubscribeUrl,
    preferences_url: preferencesUrl,
  }
  const lines = [
    `MAIL FROM: <${returnPath}>`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    `Preferences page: ${preferencesUrl}`,
  ]
  print(json, made, lines.join('\n'))
}

async function ownerOf(sql: Sql, domain: string, asGiven: string): Promise<number> {
  const inbound = await findInboundDomain(sql, domain)
  if (inbound?.tenantId != null) return inbound.tenantId
  throw new CommandError(`${asGiven} is no domain of a tenant; see \`hearback domain ls\``)
}

async function demandGroups(sql: Sql, tenantId: number, wanted: readonly number[]): Promise<void> {
  if (wanted.length === 0) return
  const groups = new Set((await listGroups(sql, tenantId)).map(({ groupId }) => groupId))
  const unknown = wanted.find((id) => !groups.has(id))
  if (unknown !== undefined) throw new CommandError(`the tenant has no group ${unknown}`)
}

function groupId(text: string): number {
  const id = Number(text)
  if (!Number.isInteger(id) || id < 1 || id > 0x7fffffff) {
    throw new InvalidArgumentError('a group is a positive whole number')
  }
  return id
}

function collectGroupId(text: string, collected: number[] = []): number[] {
  return [...collected, groupId(text)]
}
