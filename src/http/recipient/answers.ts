import type { Response } from 'express'
import type { Database, Sql } from '../../db/sql.ts'
import type { Left } from '../../feedback/choice.ts'
import { findGroup } from '../../suppression/groups.ts'
import { findLeft, findPreferences } from '../../suppression/preferences.ts'
import { findRecipientPage } from '../../tenant/recipient-page.ts'
import { sendPage } from './failures.ts'
import { type BrandedVisit, confirmPage, preferencesPage, unsubscribedPage } from './pages.ts'
import type { Visit } from './visit.ts'

/**
 * What an unsubscribe link leads to: the question, or what was answered before; `notice` says what
 * has just been done.
 */
export async function sendQuestion(
  db: Database,
  visit: Visit,
  response: Response,
  notice: string | null,
): Promise<void> {
  const { tenantId, recipient, groupId } = visit.token
  const page = await db.run(async (sql) => {
    const branded = await withBranding(sql, visit)
    const group = await nameOf(sql, tenantId, groupId)
    const left = await findLeft(sql, tenantId, recipient, groupId)
    const before = { clickId: null, notice }
    if (left.everything) return unsubscribedPage(branded, { group: null, ...before })
    if (left.group && group !== null) return unsubscribedPage(branded, { group, ...before })
    return confirmPage(branded, { group, isGroupGone: groupId !== null && group === null, notice })
  })
  sendPage(response, page)
}

/** After the click; it can be undone. */
export async function sendUnsubscribed(
  db: Database,
  visit: Visit,
  response: Response,
  { groupId, clickId }: Left,
): Promise<void> {
  const page = await db.run(async (sql) => {
    const branded = await withBranding(sql, visit)
    const group = await nameOf(sql, visit.token.tenantId, groupId)
    return unsubscribedPage(branded, { group, clickId, notice: null })
  })
  sendPage(response, page)
}

/** Where the recipient stands now; `notice` says what has just been done. */
export async function sendPreferences(
  db: Database,
  visit: Visit,
  response: Response,
  notice: string | null,
): Promise<void> {
  const { tenantId, recipient } = visit.token
  const page = await db.run(async (sql) => {
    const branded = await withBranding(sql, visit)
    const preferences = await findPreferences(sql, tenantId, recipient, visit.token)
    return preferencesPage(branded, preferences, notice)
  })
  sendPage(response, page)
}

async function withBranding(sql: Sql, visit: Visit): Promise<BrandedVisit> {
  return { ...visit, branding: await findRecipientPage(sql, visit.token.tenantId) }
}

/** `null` for everything, and for a group that is gone. */
async function nameOf(sql: Sql, tenantId: number, groupId: number | null): Promise<string | null> {
  const group = groupId === null ? null : await findGroup(sql, tenantId, groupId)
  return group?.deletedAt === null ? group.name : null
}
