import { getDomain } from 'tldts'

/** Whoever runs the mailboxes of many domains, by the domains of its servers and addresses. */
const families: Readonly<Record<string, readonly string[]>> = {
  google: ['google.com', 'gmail.com', 'googlemail.com'],
  microsoft: [
    'outlook.com',
    'hotmail.com',
    'live.com',
    'msn.com',
    'office365.com',
    'microsoft.com',
  ],
  yahoo: [
    'yahoodns.net',
    'yahoo.com',
    'yahoo.co.uk',
    'yahoo.fr',
    'yahoo.de',
    'ymail.com',
    'aol.com',
  ],
  apple: ['icloud.com', 'me.com', 'mac.com', 'apple.com'],
  gmx: [
    'gmx.net',
    'gmx.de',
    'gmx.at',
    'gmx.ch',
    'gmx.com',
    'web.de',
    'mail.com',
    'kundenserver.de',
  ],
  'mail.ru': ['mail.ru', 'bk.ru', 'inbox.ru', 'list.ru'],
  yandex: ['yandex.ru', 'yandex.net', 'yandex.com', 'ya.ru'],
  proofpoint: ['pphosted.com', 'ppe-hosted.com'],
  mimecast: ['mimecast.com'],
  orange: ['orange.fr', 'wanadoo.fr'],
  comcast: ['comcast.net'],
}

const familyOf = new Map(
  Object.entries(families).flatMap(([name, domains]) => domains.map((domain) => [domain, name])),
)

/**
 * Who receives the mail: by the server that refused it, else by the domain of the address, as it may
 * stand behind somebody else's servers. The name of a family, else the registrable domain.
 */
export function providerOf(remoteMta: string | null, address: string): string {
  const host = remoteMta === null ? null : getDomain(remoteMta)
  const domain = host ?? getDomain(address.slice(address.lastIndexOf('@') + 1))
  if (domain === null) return unknownProvider
  return familyOf.get(domain) ?? domain
}

/** Of servers and addresses without a domain that somebody could have registered. */
const unknownProvider = 'unknown'

export const providerFamilies: readonly string[] = Object.keys(families)

/** The provider that an operator means: the name of a family, any domain of one, or `unknown`. */
export function providerNamed(text: string): string | null {
  const name = text.trim().toLowerCase()
  if (Object.hasOwn(families, name) || name === unknownProvider) return name
  const domain = getDomain(name)
  return domain === null ? null : (familyOf.get(domain) ?? domain)
}

/** Whether a provider said it. Its own notifications need not name the server that refused. */
export function isToldBy(
  provider: string,
  told: { remoteMta: string | null; reportingMta: string | null; recipient: string },
): boolean {
  const { remoteMta, reportingMta, recipient } = told
  if (providerOf(remoteMta, recipient) === provider) return true
  return remoteMta === null && providerOf(reportingMta, recipient) === provider
}
