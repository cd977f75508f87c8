import { setTimeout as sleep } from 'node:timers/promises'
import type { Database, Sql } from './db/sql.ts'
import type { ChangedBy } from './feedback/actor.ts'
import { erasedForm, erasureKey, mentionPattern } from './feedback/erased-address.ts'
import { eraseEvents } from './publish/erase.ts'
import { addAudit } from './record/audit.ts'
import {
  blankMessages,
  countRecords,
  eraseAudit,
  eraseFeedback,
  findMentioningMessages,
  findMentioningRaw,
  listMessagesAbout,
  type RawPiece,
  type Stride,
  type Walk,
} from './record/erase.ts'
import { dropRaw } from './record/stored-messages-change.ts'
import {
  copyEntries,
  countEntries,
  eraseRowErrors,
  markErased,
  type Renaming,
  renameEntries,
} from './suppression/erase.ts'
import type { ListKey } from './suppression/list.ts'

/** What is kept about an address, or what was changed of it. */
export type Traces = {
  /** On lists: the block stays. */
  entries: number
  feedback: number
  auditEntries: number
}

export type Erased = Traces & {
  /** Whose report is gone. */
  messages: number
  events: number
}

type Deps = {
  db: Database
  /** HEARBACK_SECRET */
  secret: string
  now: () => Date
  /**
   * Until no process of ours can write the address any more: five seconds to notice, two to wait for
   * a connection, five to write.
   */
  settleMs?: number
}

/** What there is about an address that can be counted at once. */
export async function findTraces(db: Database, tenantId: number, address: string): Promise<Traces> {
  const entries = await db.run((sql) => countEntries(sql, tenantId, address))
  return { entries, ...(await db.run((sql) => countRecords(sql, tenantId, address))) }
}

/** Of whom. Tenants who do not know the person have nothing but mail that may mention him. */
export type Whom = { address: string; tenantIds: readonly number[]; strangers: readonly number[] }

/**
 * Erases one person, by a canonical address, for some tenants. From then on a keyed hash stands for
 * the address: it goes on being blocked and found, and nobody who has the database alone can tell
 * whose it is. Reports, bytes and words about the person go. When it ended early, asking again does
 * the rest.
 */
export async function erase(
  { db, secret, now, settleMs = 12_000 }: Deps,
  { address, tenantIds, strangers }: Whom,
  by: ChangedBy,
): Promise<Erased> {
  const key = erasureKey(secret)
  const renamings = tenantIds.map((tenantId) => {
    return { tenantId, address, form: erasedForm(key, tenantId, address) }
  })
  const copied = new Map<number, ListKey[]>()
  for (const { tenantId, ...renaming } of renamings) {
    const keys = await db.transaction((sql) => begin(sql, tenantId, renaming, by, now()))
    copied.set(tenantId, keys)
  }
  if (renamings.length > 0) await sleep(settleMs)
  const erased = { entries: 0, feedback: 0, auditEntries: 0, messages: 0, events: 0 }
  for (const tenantId of strangers) erased.messages += await eraseMessages(db, tenantId, address)
  for (const { tenantId, ...renaming } of renamings) {
    erased.messages += await eraseMessages(db, tenantId, address)
    erased.feedback += await repeat((limit) =>
      db.run((sql) => eraseFeedback(sql, tenantId, renaming, limit)),
    )
    const keys = copied.get(tenantId) ?? []
    erased.entries += await db.transaction((sql) => renameEntries(sql, tenantId, renaming, keys))
    erased.auditEntries += await repeat((limit) =>
      db.run((sql) => eraseAudit(sql, tenantId, renaming, limit)),
    )
    erased.events += await eraseAllEvents(db, tenantId, renaming)
    await eraseAllRowErrors(db, tenantId, address)
  }
  return erased
}

/** From here on checks find the entries under both names, and nothing is written under the old one. */
async function begin(
  sql: Sql,
  tenantId: number,
  renaming: Renaming,
  by: ChangedBy,
  now: Date,
): Promise<ListKey[]> {
  await markErased(sql, tenantId, renaming.form, now)
  await addAudit(sql, tenantId, by, [{ action: 'address.erase', address: renaming.form }], now)
  return copyEntries(sql, tenantId, renaming)
}

const rowsAChunk = 1_000

/** Until a chunk is not full; how many rows there were. */
async function repeat(task: (limit: number) => Promise<number>): Promise<number> {
  let rows = 0
  for (;;) {
    const done = await task(rowsAChunk)
    rows += done
    if (done < rowsAChunk) return rows
  }
}

/** For expressions to be matched with, about a second's work. */
const stride = { limit: 1_000, maxBytes: 16 * 1024 * 1024 }
/** Bytes that are no text take four times as long. */
const rawStride = { limit: 1_000, maxBytes: 4 * 1024 * 1024 }

/** Reports and bytes of messages that are about somebody or mention him; how many messages. */
async function eraseMessages(db: Database, tenantId: number, address: string): Promise<number> {
  const pattern = mentionPattern(address)
  let messages = 0
  const blank = async (ids: readonly string[]): Promise<void> => {
    messages += ids.length
    await db.transaction(async (sql) => {
      const mailIds = await blankMessages(sql, tenantId, ids, pattern)
      await dropRaw(sql, tenantId, mailIds)
    })
  }
  await walk<string>(async (after) => {
    const window = { after, limit: rowsAChunk }
    const found = await db.run((sql) => listMessagesAbout(sql, tenantId, address, window))
    return { found, last: found.at(-1) ?? null }
  }, blank)
  const findMessages = (after: string | null): Promise<Walk<string>> =>
    db.run((sql) => findMentioningMessages(sql, tenantId, pattern, { after, ...stride }))
  await walk(findMessages, blank)
  const findRaw = (after: RawPiece | null): Promise<Walk<RawPiece>> =>
    db.run((sql) => findMentioningRaw(sql, tenantId, pattern, { after, ...rawStride }))
  await walk(findRaw, (mailIds) => db.run((sql) => dropRaw(sql, tenantId, mailIds)))
  return messages
}

/** Looks through rows, chunk after chunk, and does something with those that are found. */
async function walk<Place>(
  look: (after: Place | null) => Promise<Walk<Place>>,
  act: (found: readonly string[]) => Promise<void>,
): Promise<void> {
  let after: Place | null = null
  for (;;) {
    const { last, found }: Walk<Place> = await look(after)
    if (found.length > 0) await act(found)
    if (last === null) return
    after = last
  }
}

const eventsAChunk = { limit: 20_000, maxBytes: 4 * 1024 * 1024 }

async function eraseAllEvents(db: Database, tenantId: number, renaming: Renaming): Promise<number> {
  let events = 0
  let after: string | null = null
  for (;;) {
    const next: Stride<string> = { after, ...eventsAChunk }
    const { last, erased } = await db.run((sql) => eraseEvents(sql, tenantId, renaming, next))
    events += erased
    if (last === null) return events
    after = last
  }
}

const importsAChunk = 100

async function eraseAllRowErrors(db: Database, tenantId: number, address: string): Promise<void> {
  const pattern = mentionPattern(address)
  let after: string | null = null
  do {
    const window: { after: string | null; limit: number } = { after, limit: importsAChunk }
    after = await db.run((sql) => eraseRowErrors(sql, tenantId, pattern, window))
  } while (after !== null)
}
