import type { Command } from 'commander'
import { type Config, readConfig } from '../config.ts'
import { canonicalDomain } from '../feedback/address.ts'
import type { Accepts, InboundDomain } from '../feedback/inbound-domain.ts'
import {
  addInboundDomain,
  defaultAccepts,
  isReservedName,
  listInboundDomains,
} from '../tenant/inbound-domains.ts'
import { CommandError } from './command-error.ts'
import { print, table } from './output.ts'
import { tenantNamed } from './tenant.ts'
import { withStorage } from './with-storage.ts'

type AddOptions = {
  tenant?: string
  platform?: boolean
  accept?: Accepts
  role?: string[]
  json?: boolean
}

export function addDomainCommand(program: Command): void {
  const domain = program.command('domain').description('domains that feedback is sent to')
  domain
    .command('add <domain>')
    .description('take mail for a domain, and print the DNS records that it needs')
    .option('--tenant <name>', 'whose domain it is')
    .option('--platform', 'of all tenants: a feedback-loop mailbox where only tokens attribute')
    .option('--accept <what>', 'signed = only tokens of ours, any = every report (default: signed)')
    .option('--role <local-part...>', 'local parts taken besides bounces, fbl, unsubscribe, …')
    .option('--json', 'print JSON')
    .action(addDomain)
  domain
    .command('ls')
    .description('list the domains')
    .option('--json', 'print JSON')
    .action(async ({ json = false }: { json?: boolean }) => {
      const domains = await withStorage(({ db }) => db.run(listInboundDomains))
      const rows = domains.map((one) => [
        one.domain,
        one.tenant ?? '(platform)',
        one.accepts,
        one.roleAddresses.join(' '),
      ])
      print(json, domains, table(['DOMAIN', 'TENANT', 'ACCEPTS', 'FURTHER ROLES'], rows))
    })
}

async function addDomain(text: string, options: AddOptions): Promise<void> {
  const name = canonicalDomain(text)
  if (name === null) throw new CommandError(`${text} is no domain`)
  const accepts = options.accept ?? defaultAccepts(name)
  if (accepts !== 'signed' && accepts !== 'any') {
    throw new CommandError(`--accept takes signed or any, not ${accepts}`)
  }
  if ((options.tenant === undefined) === (options.platform !== true)) {
    throw new CommandError('say whose domain it is: --tenant <name> or --platform')
  }
  const config = readConfig()
  const added = await withStorage(({ db }) =>
    db.transaction(async (sql): Promise<InboundDomain> => {
      const tenant = options.tenant === undefined ? null : await tenantNamed(sql, options.tenant)
      const roleAddresses = (options.role ?? []).map((role) => role.toLowerCase())
      const domain = { domain: name, tenantId: tenant?.tenantId ?? null, accepts, roleAddresses }
      if (await addInboundDomain(sql, domain)) return domain
      throw new CommandError(`domain ${name} is there already; \`hearback domain ls\` shows it`)
    }),
  )
  print(
    options.json ?? false,
    { ...added, dns: dnsRecords(config, name) },
    described(config, added),
  )
}

/** What the operator pastes into the zone. RFC 5321 section 5, RFC 7208, RFC 7489 section 3.1.2. */
function dnsRecords(config: Config, domain: string): string[] {
  const from = organisationOf(domain)
  const senders = from === domain ? 'mx' : `include:${from}`
  return [
    `${domain}.  IN MX   10 ${config.hostname}.`,
    `${domain}.  IN TXT  "v=spf1 ${senders} -all"`,
    `_dmarc.${from}.  IN TXT  "v=DMARC1; p=none; aspf=r"`,
  ]
}

/** The domain that stands in From: of the mail, one label above the return path's. */
function organisationOf(domain: string): string {
  const parent = domain.slice(domain.indexOf('.') + 1)
  return parent.includes('.') ? parent : domain
}

function described(config: Config, { domain, accepts }: InboundDomain): string {
  const from = organisationOf(domain)
  const warning =
    accepts === 'any' && !isReservedName(domain)
      ? ['', `WARNING: ${domain} believes every report. Anybody can suppress anybody there.`]
      : []
  return [
    `domain ${domain} added (accepts ${accepts})`,
    '',
    'DNS records:',
    ...dnsRecords(config, domain).map((record) => `  ${record}`),
    '',
    `MX: ${config.hostname} (HEARBACK_HOSTNAME) needs an A or AAAA record and port 25 open.`,
    `SPF: checked for this domain because it is the return path; it allows whoever may send for`,
    `${from}. Name your sending servers there if it has no SPF record yet.`,
    `DMARC: with aspf=r (the default) mail From: ${from} passes by this return path. Keep a record`,
    'that you already have, as long as it does not say aspf=s.',
    ...warning,
  ].join('\n')
}
