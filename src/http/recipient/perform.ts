import type { Request, Response } from 'express'
import type { SealedToken } from '../../attribute/sealed-token.ts'
import type { Database } from '../../db/sql.ts'
import type { Choice, Left } from '../../feedback/choice.ts'
import { findGroup } from '../../suppression/groups.ts'
import type { Action } from './action.ts'
import { sendPreferences, sendQuestion, sendUnsubscribed } from './answers.ts'
import { sendFailure } from './failures.ts'
import type { Visit } from './visit.ts'

/** What recipients do, for good once it resolves; rejects when that could not be stored. */
export type Clicks = {
  processUnsubscribe: (
    token: SealedToken,
    via: 'one-click' | 'confirm-page' | 'preferences-page',
  ) => Promise<Left>
  /** `false`: nothing had to be changed. */
  processChoices: (token: SealedToken, choices: readonly Choice[]) => Promise<boolean>
  /** `false`: what the click did does not stand any more. */
  processUndo: (token: SealedToken, clickId: string) => Promise<boolean>
}

type Deps = { db: Database; clicks: Clicks }

/**
 * Does what a POST asks for. To leave, any link is good enough; the way back needs one to the page
 * of preferences, but for what was done on this page just now.
 */
export async function perform(
  deps: Deps,
  visit: Visit,
  action: Action,
  request: Request,
  response: Response,
): Promise<void> {
  const { db, clicks } = deps
  const { token, language } = visit
  switch (action.kind) {
    case 'one-click':
      await clicks.processUnsubscribe(token, 'one-click')
      response.type('text/plain').send('You are unsubscribed.\n')
      return
    case 'confirm':
      return unsubscribe(deps, visit, token.groupId, response)
    case 'unsubscribe':
      if (!(await isKnown(db, token, action.groupId))) return sendFailure(request, response, 400)
      return unsubscribe(deps, visit, action.groupId, response)
    case 'choose': {
      if (token.purpose !== 'preferences') return sendFailure(request, response, 404)
      const isChanged = await clicks.processChoices(token, action.choices)
      const notice = isChanged ? language.saved : language.unchanged
      return sendPreferences(db, visit, response, notice)
    }
    case 'undo': {
      const isUndone = await clicks.processUndo(token, action.clickId)
      const notice = isUndone ? language.undone : language.unchanged
      const send = token.purpose === 'preferences' ? sendPreferences : sendQuestion
      return send(db, visit, response, notice)
    }
  }
}

async function unsubscribe(
  { db, clicks }: Deps,
  visit: Visit,
  groupId: number | null,
  response: Response,
): Promise<void> {
  const via = visit.token.purpose === 'preferences' ? 'preferences-page' : 'confirm-page'
  const left = await clicks.processUnsubscribe({ ...visit.token, groupId }, via)
  await sendUnsubscribed(db, visit, response, left)
}

async function isKnown(
  db: Database,
  { tenantId }: SealedToken,
  groupId: number | null,
): Promise<boolean> {
  return groupId === null || (await db.run((sql) => findGroup(sql, tenantId, groupId))) !== null
}
