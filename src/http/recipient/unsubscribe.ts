import express, { type ErrorRequestHandler, type Response, Router } from 'express'
import type { Keyring } from '../../attribute/keyring.ts'
import { openSealed, type SealedToken } from '../../attribute/sealed-token.ts'
import type { Database } from '../../db/sql.ts'
import type { Log } from '../../log.ts'
import { findGroupName } from '../../suppression/find-group-name.ts'
import { failureOf, logFailure } from '../errors.ts'
import { formFields } from './form-fields.ts'
import { confirmPage, failurePages, unsubscribedPage } from './pages.ts'

/** Takes the recipient off, for good once it resolves; rejects when that could not be stored. */
export type Unsubscribe = (token: SealedToken, via: 'one-click' | 'confirm-page') => Promise<void>

type Deps = { db: Database; keyring: Keyring; unsubscribe: Unsubscribe; log: Log }

/**
 * The link of a List-Unsubscribe field (RFC 8058): mail programs POST to it, people get a page that
 * asks first. Only POST changes anything, for scanners follow every link in a mail.
 */
export function createUnsubscribeRouter({ db, keyring, unsubscribe, log }: Deps): Router {
  const router = Router()
  router.get('/:token', async (request, response) => {
    const token = await openUnsubscribeToken(keyring, request.params.token)
    if (token === null) return sendFailure(response, 404)
    const { tenantId, groupId } = token
    const groupName =
      groupId === null ? null : await db.run((sql) => findGroupName(sql, tenantId, groupId))
    response.send(confirmPage(token.recipient, groupName))
  })
  router.post('/:token', readBody, async (request, response) => {
    const token = await openUnsubscribeToken(keyring, request.params['token'])
    if (token === null) return sendFailure(response, 404)
    const fields = formFields(Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0))
    if (fields.get('list-unsubscribe')?.toLowerCase() === 'one-click') {
      await unsubscribe(token, 'one-click')
      response.type('text/plain').send('You are unsubscribed.\n')
    } else if (fields.get('confirm') === 'yes') {
      await unsubscribe(token, 'confirm-page')
      response.send(unsubscribedPage(token.recipient))
    } else sendFailure(response, 400)
  })
  router.use(createPageErrorHandler(log))
  return router
}

/** Whatever its content type says: the body itself shows what it is. */
const readBody = express.raw({ limit: '4kb', inflate: false, type: () => true })

async function openUnsubscribeToken(keyring: Keyring, text: unknown): Promise<SealedToken | null> {
  if (typeof text !== 'string') return null
  const token = await openSealed(text, (id) => keyring.byId(id))
  return token?.purpose === 'unsubscribe' ? token : null
}

/** Mail programs try again after a 503, so an outage of any kind is one here. */
function createPageErrorHandler(log: Log): ErrorRequestHandler {
  return (error, request, response, next) => {
    const failure = failureOf(error)
    logFailure(log, request, failure, error)
    if (response.headersSent) next(error)
    else if (failure.statusCode >= 500) sendFailure(response.set('Retry-After', '60'), 503)
    else sendFailure(response, failure.statusCode === 404 ? 404 : 400)
  }
}

function sendFailure(response: Response, statusCode: keyof typeof failurePages): void {
  response.status(statusCode).send(failurePages[statusCode])
}
