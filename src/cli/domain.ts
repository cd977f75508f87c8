import type { Command } from 'commander'
import { organisationOf } from '../attribute/organisation.ts'
import { readConfig } from '../config.ts'
import { canonicalDomain } from '../feedback/address.ts'
import type { Accepts, InboundDomain } from '../feedback/inbound-domain.ts'
import { addAudit } from '../record/audit.ts'
import { addInboundDomain, isReservedName, listInboundDomains } from '../tenant/inbound-domains.ts'
import { commandActor } from './changed-by.ts'
import { CommandError } from './command-error.ts'
import { print, table } from './output.ts'
import { tenantNamed } from './tenant.ts'
import { withStorage } from './with-storage.ts'

type AddOptions = {
  tenant?: string
  platform?: boolean
  accept: Accepts
  role?: string[]
  reason?: string
  json?: boolean
}

export function addDomainCommand(program: Command): void {
  const domain = program.command('domain').description('domains that feedback is sent to')
  domain
    .command('add <domain>')
    .description('take mail for a domain, and print the DNS records that it needs')
    .option('--tenant <name>', 'whose domain it is')
    .option('--platform', 'of all tenants: a feedback-loop mailbox where only tokens attribute')
    .option(
      '--accept <what>',
      'signed = only tokens of ours, verified = also known feedback loops, any = every report',
      'signed',
    )
    .option('--role <local-part...>', 'local parts taken besides bounces, fbl, unsubscribe, …')
    .option('--reason <text>', 'for the audit trail')
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
  const { accept: accepts } = options
  if (!['signed', 'verified', 'any'].includes(accepts)) {
    throw new CommandError(`--accept takes signed, verified or any, not ${accepts}`)
  }
  if (options.platform && accepts === 'verified') {
    throw new CommandError('a domain of the platform takes tokens alone: leave --accept away')
  }
  if ((options.tenant === undefined) === (options.platform !== true)) {
    throw new CommandError('say whose domain it is: --tenant <name> or --platform')
  }
  const hostname = readConfig().hostname.replace(/\.$/, '')
  const added = await withStorage(({ db }) =>
    db.transaction(async (sql): Promise<InboundDomain> => {
      const tenant = options.tenant === undefined ? null : await tenantNamed(sql, options.tenant)
      const roleAddresses = (options.role ?? []).map((role) => role.toLowerCase())
      const domain = { domain: name, tenantId: tenant?.tenantId ?? null, accepts, roleAddresses }
      if (!(await addInboundDomain(sql, domain))) {
        throw new CommandError(`domain ${name} is there already; \`hearback domain ls\` shows it`)
      }
      const change = {
        action: 'domain.add' as const,
        detail: { domain: name, accepts, roleAddresses },
      }
      const by = commandActor(options.reason ?? null)
      await addAudit(sql, domain.tenantId ?? 0, by, [change], new Date())
      return domain
    }),
  )
  const dns = dnsRecords(hostname, name)
  const warnings = warningsOf(hostname, added)
  print(
    options.json ?? false,
    { ...added, dns, warnings },
    described(hostname, added, dns, warnings),
  )
}

/** What the operator pastes into the zone. RFC 5321 section 5, RFC 7208, RFC 7489 section 3.1.2. */
function dnsRecords(hostname: string, domain: string): string[] {
  const from = organisationOf(domain)
  const senders = from === domain ? 'mx' : `include:${from}`
  const exchanger = isFullName(hostname) ? `${hostname}.` : '<full name of this machine>.'
  return [
    `${domain}.  IN MX   10 ${exchanger}`,
    `${domain}.  IN TXT  "v=spf1 ${senders} -all"`,
    `_dmarc.${from}.  IN TXT  "v=DMARC1; p=none; aspf=r"`,
  ]
}

function isFullName(hostname: string): boolean {
  return hostname.includes('.')
}

function warningsOf(hostname: string, { domain, accepts }: InboundDomain): string[] {
  const warnings: string[] = []
  if (!isFullName(hostname)) {
    warnings.push(
      `${hostname} is no full name: set HEARBACK_HOSTNAME to the full name of this machine, and put it into the MX record.`,
    )
  }
  if (accepts === 'any' && !isReservedName(domain)) {
    warnings.push(`${domain} believes every report. Anybody can suppress anybody there.`)
  }
  return warnings
}

function described(
  hostname: string,
  { domain, accepts }: InboundDomain,
  dns: readonly string[],
  warnings: readonly string[],
): string {
  const from = organisationOf(domain)
  return [
    `domain ${domain} added (accepts ${accepts})`,
    '',
    'DNS records:',
    ...dns.map((record) => `  ${record}`),
    '',
    `MX: ${hostname} (HEARBACK_HOSTNAME) needs an A or AAAA record and port 25 open.`,
    from === domain
      ? 'SPF: checked for this domain because it is the return path; name your sending servers there.'
      : `SPF: checked for this domain because it is the return path; it allows whoever may send for\n${from}. Name your sending servers there if it has no SPF record yet.`,
    `DMARC: with aspf=r (the default) mail From: ${from} passes by this return path. Keep a record`,
    'that you already have, as long as it does not say aspf=s.',
    ...warnings.flatMap((warning) => ['', `WARNING: ${warning}`]),
  ].join('\n')
}
