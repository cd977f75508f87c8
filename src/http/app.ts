import type { RequestListener } from 'node:http'
import { parse } from 'node:querystring'
import express, { type Express } from 'express'
import type { Keyring } from '../attribute/keyring.ts'
import type { Database } from '../db/sql.ts'
import type { Log } from '../log.ts'
import type { Checker } from '../suppression/check-batches.ts'
import { createErasure } from '../suppression/erased.ts'
import { createCheckDoor } from './check-door.ts'
import { createDocumentationRouter } from './documentation.ts'
import { ApiError, createErrorHandler } from './errors.ts'
import { fixedHeaders } from './fixed-headers.ts'
import type { Gate } from './gate.ts'
import { createAnswerOnce } from './idempotency.ts'
import { createRecipientRouter } from './recipient/doors.ts'
import type { Clicks } from './recipient/perform.ts'
import { tagRequest } from './request-id.ts'
import type { MessageActions } from './v3/messages.ts'
import { createRoutes, createV3Router, type RouteDeps } from './v3/routes.ts'

export type AppDeps = {
  db: Database
  keyring: Keyring
  /** HEARBACK_SECRET */
  secret: string
  gate: Gate
  log: Log
  /** Addresses and ranges whose X-Forwarded-* fields are believed. */
  trustProxy: readonly string[]
  /** Where recipients reach this door; without a slash at its end. */
  publicUrl: string
  /** Of hearback, for the OpenAPI document. */
  version: string
  /** Resolves after the commit; whatever it rejects with becomes a 503. */
  clicks: Clicks
  checker: Checker
  messages: MessageActions
  transfers: RouteDeps['transfers']
  now: () => Date
}

/** The HTTP door: the v3 API for programs, the unsubscribe links for recipients. */
export function createHttpDoor(deps: AppDeps): RequestListener {
  const erasure = createErasure(deps.db, deps.secret)
  return createCheckDoor({ ...deps, erasure }, createApp(deps))
}

/** All of it, without the short cut for checks. */
export function createApp({
  db,
  keyring,
  secret,
  gate,
  log,
  trustProxy,
  publicUrl,
  version,
  clicks,
  checker,
  messages,
  transfers,
  now,
}: AppDeps): Express {
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.set('trust proxy', trustProxy.length > 0 ? [...trustProxy] : false)
  // A plus sign is part of an address and never a space: no parameter of ours holds spaces.
  app.set('query parser', (text: string | null) => parse((text ?? '').replaceAll('+', '%2B')))

  app.use(tagRequest)
  app.use((_request, response, next) => {
    response.set(fixedHeaders)
    next()
  })
  const { forgetApiKey } = gate
  const routes = createRoutes({ keyring, publicUrl, checker, messages, transfers, forgetApiKey })
  app.use(createDocumentationRouter(routes, version))
  const erasure = createErasure(db, secret)
  const answerOnce = createAnswerOnce({ db, secret, log, now })
  app.use('/v3', createV3Router(routes, { db, erasure, gate, answerOnce, now }))
  app.use(createRecipientRouter({ db, keyring, erasure, clicks, log }))
  app.use(() => {
    throw new ApiError(404, 'Not found')
  })
  app.use(createErrorHandler(log))
  return app
}
