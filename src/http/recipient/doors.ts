import { promisify } from 'node:util'
import express, { Router } from 'express'
import type { Keyring } from '../../attribute/keyring.ts'
import type { SealedPurpose } from '../../attribute/sealed-token.ts'
import type { Database } from '../../db/sql.ts'
import type { Log } from '../../log.ts'
import type { Erasure } from '../../suppression/erased.ts'
import { readAction } from './action.ts'
import { sendPreferences, sendQuestion } from './answers.ts'
import { createPageErrorHandler, sendFailure } from './failures.ts'
import { formFields } from './form-fields.ts'
import { createLogoHandler } from './logo.ts'
import { createOpenToken } from './open-token.ts'
import { type Clicks, perform } from './perform.ts'
import { readVisit } from './visit.ts'

type Deps = { db: Database; keyring: Keyring; erasure: Erasure; clicks: Clicks; log: Log }

/** Room for some 6,000 groups, each named three times by the form of the page of preferences. */
const ofAllGroups = '256kb'

/** `opens` says which tokens do. */
const doors: readonly { path: string; opens: readonly SealedPurpose[]; limit: string }[] = [
  { path: '/u/:token', opens: ['unsubscribe'], limit: '4kb' },
  { path: '/p/:token', opens: ['preferences'], limit: ofAllGroups },
  { path: '/t/u/:token', opens: ['unsubscribe', 'preferences'], limit: ofAllGroups },
]

/**
 * The links in mail: those of List-Unsubscribe fields (RFC 8058), to which mail programs POST and
 * where people get a page that asks first, and those to the page of preferences. Only POST changes
 * anything, for scanners follow every link in a mail.
 */
export function createRecipientRouter({ db, keyring, erasure, clicks, log }: Deps): Router {
  const router = Router()
  const openToken = createOpenToken(keyring, erasure)
  router.get('/p/logo/:logoId', createLogoHandler(db))
  for (const { path, opens, limit } of doors) {
    router.get(path, async (request, response) => {
      const visit = await readVisit(openToken, request, opens)
      if (visit === null) sendFailure(request, response, 404)
      else if (visit.token.purpose === 'preferences')
        await sendPreferences(db, visit, response, null)
      else await sendQuestion(db, visit, response, null)
    })
    // Whatever its content type says: the body itself shows what it is.
    const readBody = express.raw({ limit, inflate: false, type: () => true })
    router.post(path, async (request, response) => {
      const visit = await readVisit(openToken, request, opens)
      if (visit === null) return sendFailure(request, response, 404)
      await promisify(readBody)(request, response)
      const body: unknown = request.body
      const action = readAction(formFields(Buffer.isBuffer(body) ? body : Buffer.alloc(0)))
      if (action === null) return sendFailure(request, response, 400)
      await perform({ db, clicks }, visit, action, request, response)
    })
  }
  router.use(createPageErrorHandler(log))
  return router
}
