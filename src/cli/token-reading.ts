import { createKeyring, type Keyring } from '../attribute/keyring.ts'
import { isReturnPathTokenShaped, readReturnPath } from '../attribute/return-path-token.ts'
import { openSealed } from '../attribute/sealed-token.ts'
import { isInTime, lastDay, type TokenUse, tokenDay } from '../attribute/token-day.ts'
import { canonicalDomain } from '../feedback/address.ts'
import { listTenants } from '../tenant/tenants.ts'
import { CommandError } from './command-error.ts'
import { print } from './output.ts'
import { withStorage } from './with-storage.ts'

/** What is in a token, besides whose it is and how old. */
type Said = { tenantId: number; day: number; content: Record<string, unknown> }

const uses: readonly { use: TokenUse; name: string }[] = [
  { use: 'bounce', name: 'bounces' },
  { use: 'complaint', name: 'spam reports' },
  { use: 'unsubscribe', name: 'unsubscribes' },
]

/** A token as it stands in a mail: a return path, a link, a header field, or bare. */
export async function readToken(text: string, { json = false }: { json?: boolean }): Promise<void> {
  const sealed = /hb1_[^\s<>,&]*/.exec(text)?.[0]
  const token = sealed ?? text.trim().replace(/^.*<|>.*$/gs, '')
  if (isReturnPathTokenShaped(token)) {
    throw new CommandError(`a return path is read together with its domain: ${token}@…`)
  }
  const { day, tenantId, tenant, content } = await withStorage(async ({ db, secret }) => {
    const said = await read(createKeyring(db, secret), token)
    if (said === null) throw new CommandError('this is no token of ours: changed, cut or foreign')
    const tenants = await db.run(listTenants)
    const tenant = tenants.find(({ tenantId }) => tenantId === said.tenantId)?.name ?? null
    return { ...said, tenant }
  })
  const now = new Date()
  const issued = dateOf(day)
  const ageDays = tokenDay(now) - day
  const actsFor = uses.filter(({ use }) => isInTime(day, use, now)).map(({ use }) => use)
  const lines = [
    ...Object.entries(content).map(([name, value]) => `${name}: ${value ?? '-'}`),
    `tenant: ${tenant} (${tenantId})`,
    `issued: ${issued}, ${ageDays} days ago`,
    ...uses.map(({ use, name }) => `acts for ${name}: ${lifetime(day, use, now)}`),
  ]
  print(json, { ...content, tenantId, tenant, issued, ageDays, actsFor }, lines.join('\n'))
}

async function read(keyring: Keyring, text: string): Promise<Said | null> {
  const at = text.lastIndexOf('@')
  if (at > 0) {
    const domain = canonicalDomain(text.slice(at + 1)) ?? ''
    const token = await readReturnPath(text.slice(0, at), domain, keyring.bySlot)
    if (token === null) return null
    const { tenantId, day, messageReference, recipientDigest } = token
    const digest = recipientDigest.toString('hex')
    return {
      tenantId,
      day,
      content: { kind: 'return-path', messageReference, recipientDigest: digest },
    }
  }
  const token = await openSealed(text, keyring.byId)
  if (token === null) return null
  const { tenantId, day, ...content } = token
  return { tenantId, day, content: { kind: 'sealed', ...content } }
}

function lifetime(day: number, use: TokenUse, now: Date): string {
  const last = lastDay(day, use)
  if (isInTime(day, use, now)) return last === null ? 'for ever' : `until ${dateOf(last)}`
  return last !== null && tokenDay(now) > last ? `not since ${dateOf(last)}` : 'not yet'
}

function dateOf(day: number): string {
  return new Date(day * 86_400_000).toISOString().slice(0, 10)
}
