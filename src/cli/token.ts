import { type Command, InvalidArgumentError } from 'commander'
import { feedbackHeaders } from '../attribute/feedback-headers.ts'
import { createKeyring, type Keyring } from '../attribute/keyring.ts'
import { readReturnPath } from '../attribute/return-path-token.ts'
import { openSealed } from '../attribute/sealed-token.ts'
import { readConfig } from '../config.ts'
import { canonicalAddress, canonicalDomain } from '../feedback/address.ts'
import { findInboundDomain } from '../tenant/inbound-domains.ts'
import { CommandError } from './command-error.ts'
import { print } from './output.ts'
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
    .description('what a return path or a sealed token says, and whether it is ours')
    .option('--json', 'print JSON')
    .action(readToken)
}

async function makeToken(options: MakeOptions): Promise<void> {
  const recipient = canonicalAddress(options.email)
  if (recipient === null) throw new CommandError(`${options.email} is no address`)
  const domain = canonicalDomain(options.domain) ?? ''
  const { publicUrl } = readConfig()
  const made = await withStorage(async ({ db, secret }) => {
    const inbound = await db.run((sql) => findInboundDomain(sql, domain))
    if (inbound?.tenantId == null) {
      throw new CommandError(
        `${options.domain} is no domain of a tenant; see \`hearback domain ls\``,
      )
    }
    const key = await createKeyring(db, secret).newest(inbound.tenantId)
    if (key === null) throw new CommandError(`the tenant of ${domain} has no signing key`)
    const claim = {
      domain,
      recipient,
      groupId: options.group ?? null,
      groupsToDisplay: options.display ?? [],
      messageId: options.messageId ?? null,
    }
    return feedbackHeaders(key, publicUrl, claim, new Date())
  })
  const { returnPath, headers, unsubscribeUrl } = made
  const result = {
    email: recipient,
    return_path: returnPath,
    headers,
    unsubscribe_url: unsubscribeUrl,
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  print(options.json ?? false, result, [`MAIL FROM: <${returnPath}>`, ...lines].join('\n'))
}

async function readToken(text: string, { json = false }: { json?: boolean }): Promise<void> {
  const said = await withStorage(({ db, secret }) => read(createKeyring(db, secret), text))
  if (said === null) throw new CommandError('this is no token of ours: changed, cut or foreign')
  const lines = Object.entries(said).map(([name, value]) => `${name}: ${value ?? '-'}`)
  print(json, said, lines.join('\n'))
}

async function read(keyring: Keyring, text: string): Promise<Record<string, unknown> | null> {
  const at = text.lastIndexOf('@')
  if (at > 0) {
    const domain = canonicalDomain(text.slice(at + 1)) ?? ''
    const token = await readReturnPath(text.slice(0, at), domain, keyring.bySlot)
    if (token === null) return null
    const { tenantId, day, messageReference, recipientDigest } = token
    return {
      kind: 'return-path',
      tenantId,
      issued: date(day),
      messageReference,
      recipientDigest: recipientDigest.toString('hex'),
    }
  }
  const token = await openSealed(text, keyring.byId)
  if (token === null) return null
  const { day, ...content } = token
  return { kind: 'sealed', issued: date(day), ...content }
}

function date(day: number): string {
  return new Date(day * 86_400_000).toISOString().slice(0, 10)
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
