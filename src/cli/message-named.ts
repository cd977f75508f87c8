import type { Sql } from '../db/sql.ts'
import { type StoredOutcome, storedOutcomes } from '../record/stored-messages.ts'
import { CommandError } from './command-error.ts'
import { tenantNamed } from './tenant.ts'

/** Whose mail; id 0: it is of no tenant. */
export type Owner = { tenantId: number; name: string }

/** Whose mail is meant. */
export type OwnerOptions = { tenant?: string; platform?: boolean }

/** The tenant of the mail that is meant; 0: it is of none. Throws a CommandError. */
export async function ownerOf(sql: Sql, { tenant, platform }: OwnerOptions): Promise<number> {
  if ((tenant === undefined) === (platform !== true)) {
    throw new CommandError('say whose mail: --tenant <name>, or --platform for mail of no tenant')
  }
  return tenant === undefined ? 0 : (await tenantNamed(sql, tenant)).tenantId
}

/** The id of a message. Throws a CommandError for what cannot be one. */
export function messageId(text: string): string {
  if (/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) return text
  throw new CommandError(`${text} is no id of a message; \`hearback quarantine ls\` shows them`)
}

export function unknownMessage(id: string): CommandError {
  return new CommandError(`there is no message ${id} there; \`hearback quarantine ls\` shows them`)
}

/** Throws a CommandError that says which there are. */
export function outcomesNamed(names: readonly string[]): StoredOutcome[] {
  return names.map((name) => {
    const outcome = storedOutcomes.find((known) => known === name)
    if (outcome !== undefined) return outcome
    throw new CommandError(`there is no outcome ${name}; there are ${storedOutcomes.join(', ')}`)
  })
}
