import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { canonicalAddress, canonicalDomain } from '../feedback/address.ts'
import { organisationOf } from './organisation.ts'

const domain = z.string().refine((text) => canonicalDomain(text) === text, {
  error: 'must be a domain in lower case, as A-labels',
})
const origin = z
  .string()
  .refine(
    (text) => (text.includes('@') ? canonicalAddress(text) : canonicalDomain(text)) === text,
    {
      error: 'must be an address or a domain in lower case, as A-labels',
    },
  )

const senderSchema = z
  .strictObject({
    name: z.string().regex(/^[a-z0-9]+(?:-[a-z0-9]+)*$/, 'must be lower-case words joined by -'),
    from: z.array(origin).min(1),
    dkimDomains: z.array(domain),
    envelopeDomains: z.array(domain),
    source: z.url({ protocol: /^https?$/, error: 'must be the URL of a page that says so' }),
  })
  .refine(
    ({ from, dkimDomains }) => dkimDomains.length === 0 || from.every(isAlignedWith(dkimDomains)),
    {
      error: 'from: each must be aligned with one of dkimDomains',
    },
  )

const fileSchema = z.strictObject({ about: z.string(), senders: z.array(z.unknown()) })

/** Who sends feedback reports, and by what they are known: an entry of config/feedback-loops.json. */
export type FeedbackLoop = z.infer<typeof senderSchema>

/**
 * Reads files of senders. What is wrong with them comes as one line each, with file, name and what
 * to do; then nothing else is to be used.
 */
export function readFeedbackLoops(paths: readonly string[]): {
  loops: FeedbackLoop[]
  problems: string[]
} {
  const problems: string[] = []
  const loops = paths.flatMap((path) => readFile(path, problems))
  reportDoubles(loops, problems)
  return { loops, problems }
}

/** Whose feed a report is of, by the hosts that it comes from: a name of the list, or `other`. */
export type FeedOf = (hosts: readonly (string | null)[]) => string

export function createFeedOf(loops: readonly FeedbackLoop[]): FeedOf {
  const names = new Map<string, string>()
  for (const { name, from, dkimDomains, envelopeDomains } of loops) {
    for (const text of [...from, ...dkimDomains, ...envelopeDomains]) {
      names.set(organisationOf(domainOf(text)), name)
    }
  }
  const nameOf = (host: string): string | null => {
    // All organisations that count are known: no need to look for the public suffix.
    for (let rest = host.toLowerCase(); rest !== ''; rest = rest.slice(dotAfter(rest))) {
      const name = names.get(rest)
      if (name !== undefined) return name
    }
    return null
  }
  return (hosts) => {
    for (const host of hosts) {
      const name = host === null ? null : nameOf(host)
      if (name !== null) return name
    }
    return 'other'
  }
}

function dotAfter(name: string): number {
  const dot = name.indexOf('.')
  return dot < 0 ? name.length : dot + 1
}

function readFile(path: string, problems: string[]): FeedbackLoop[] {
  const content = fileSchema.safeParse(readJson(path, problems))
  if (!content.success) {
    problems.push(`${path}: must be {"about": "…", "senders": [ … ]}`)
    return []
  }
  return content.data.senders.flatMap((entry, position) => {
    const sender = senderSchema.safeParse(entry)
    if (sender.success) return [sender.data]
    const named = z.looseObject({ name: z.string() }).safeParse(entry)
    const name = named.success ? named.data.name : `sender ${position + 1}`
    for (const issue of sender.error.issues) {
      problems.push(`${path}: ${name}: ${[...issue.path, issue.message].join(': ')}`)
    }
    return []
  })
}

function readJson(path: string, problems: string[]): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    problems.push(`${path}: ${error instanceof Error ? error.message : error}`)
    return null
  }
}

function reportDoubles(loops: readonly FeedbackLoop[], problems: string[]): void {
  const taken = new Map<string, string>()
  for (const { name, from } of loops) {
    for (const text of [name, ...from]) {
      if (taken.has(text)) problems.push(`${name}: ${text} stands with ${taken.get(text)} already`)
      taken.set(text, name)
    }
  }
}

function isAlignedWith(dkimDomains: readonly string[]): (from: string) => boolean {
  const organisations = dkimDomains.map(organisationOf)
  return (from) => organisations.includes(organisationOf(domainOf(from)))
}

/** Of an address, or the domain itself. */
function domainOf(text: string): string {
  return text.slice(text.lastIndexOf('@') + 1)
}
