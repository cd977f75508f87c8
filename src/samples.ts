import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { signReturnPath } from './attribute/return-path-token.ts'
import { openSealed, sealToken } from './attribute/sealed-token.ts'
import { deriveSigningKey, type SigningKey } from './attribute/signing-key.ts'
import { tokenDay } from './attribute/token-day.ts'
import { packageRoot } from './cli/package-root.ts'
import { findSealedTokens } from './feedback/sealed-token-text.ts'
import { parseReport } from './parse/report.ts'

const expectationSchema = z.strictObject({
  /** What the message is, in one line. */
  about: z.string(),
  mailFrom: z.string(),
  /** `null`: to a return path signed for `signedFor`. */
  rcptTo: z.string().nullable(),
  signedFor: z.string().nullable(),
  /** The line of `hearback parse --json`, without `file`. */
  parsed: z.record(z.string(), z.unknown()),
  outcome: z.enum(['recorded', 'ignored', 'unattributed', 'quarantined']),
  /** What the v3 API lists afterwards because of it, for a domain that accepts `any`. */
  bounces: z.array(z.strictObject({ email: z.string(), bounce_type: z.string() })),
  spamReports: z.array(z.string()),
  globalUnsubscribes: z.array(z.string()),
  /** One of the few that the demo shows with a line of their own. */
  inDemo: z.boolean().default(false),
})

/** A message of samples/ and what hearback makes of it. */
export type Sample = z.infer<typeof expectationSchema> & {
  /** `kind/name`, as in the folder. */
  name: string
  raw: Buffer
}

/** Every samples/KIND/NAME.eml with its NAME.json, in the order of their names. */
export function loadSamples(directory = join(packageRoot(), 'samples')): Sample[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.eml'))
    .sort()
    .map((file) => {
      const name = file.slice(0, -'.eml'.length)
      const expectation = readFileSync(join(directory, `${name}.json`), 'utf8')
      return {
        name,
        raw: readFileSync(join(directory, file)),
        ...expectationSchema.parse(JSON.parse(expectation)),
      }
    })
}

/** The published key of docs/tokens.md: what the tokens in the samples are sealed with. */
export const sampleKey = deriveSigningKey(
  { id: 1, tenantId: 1, slot: 0 },
  Buffer.from(Array.from({ length: 32 }, (_, index) => index)),
)

/**
 * The sample as a tenant with `key` would get it today: tokens carry the day of their issue and
 * lapse, so those of the sample key are sealed anew, and the return path is signed.
 */
export async function asSentBy(
  key: SigningKey,
  domain: string,
  now: Date,
  sample: Sample,
): Promise<{ mailFrom: string; rcptTo: string; raw: Buffer }> {
  let text = sample.raw.toString('latin1')
  for (const token of tokensIn(sample.raw)) {
    const content = await openSealed(token, async () => sampleKey)
    if (content === null) continue
    const renewed = sealToken(key, { ...content, tenantId: key.tenantId, day: tokenDay(now) })
    text = replaceToken(text, token, renewed)
  }
  return {
    mailFrom: sample.mailFrom,
    rcptTo: sample.rcptTo ?? returnPath(key, domain, now, sample.signedFor),
    raw: Buffer.from(text, 'latin1'),
  }
}

/** Wherever they stand, folded and encoded ones, too. */
function tokensIn(raw: Buffer): string[] {
  const report = parseReport(raw, '')
  const found = [...(report?.sealedTokens ?? []), ...(report?.quotedTokens ?? [])]
  return [...new Set([...findSealedTokens(raw.toString('latin1')), ...found])]
}

/** Both have the same length: the new one is written over the old one, fold by fold. */
function replaceToken(text: string, token: string, renewed: string): string {
  const copies = new RegExp([...token].join('(?:=?\\r\\n[ \\t]*)?'), 'g')
  const replaced = (plain: string): string =>
    plain.replace(copies, (copy) => {
      let at = 0
      return copy.replace(/[\w-]/g, () => renewed[at++] ?? '')
    })
  return replaced(text)
    .replace(base64Lines, (lines) => {
      const plain = Buffer.from(lines, 'base64').toString('latin1')
      const changed = replaced(plain)
      return plain === changed ? lines : `${base64(changed).replace(/.{76}/g, '$&\r\n')}\r\n`
    })
    .replace(base64Words, (words) => {
      const plain = words.replace(/=\?utf-8\?b\?([^?]*)\?=\s*/gi, (_, word: string) =>
        Buffer.from(word, 'base64').toString('latin1'),
      )
      const changed = replaced(plain)
      if (plain === changed) return words
      const parts = changed.match(/.{1,45}/g) ?? []
      return parts.map((part) => `=?utf-8?B?${base64(part)}?=`).join('\r\n ')
    })
}

const base64Lines = /(?:^[A-Za-z0-9+/]{40,76}={0,2}\r\n)+(?:^[A-Za-z0-9+/]{1,76}={0,2}\r\n)?/gm
const base64Words = /=\?utf-8\?b\?[^?]*\?=(?:\s+=\?utf-8\?b\?[^?]*\?=)*/gi

function base64(text: string): string {
  return Buffer.from(text, 'latin1').toString('base64')
}

function returnPath(key: SigningKey, domain: string, now: Date, recipient: string | null): string {
  const claim = { domain, recipient: recipient ?? '', messageReference: null, day: tokenDay(now) }
  return `${signReturnPath(key, claim)}@${domain}`
}
