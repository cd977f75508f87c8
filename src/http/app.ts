import { parse } from 'node:querystring'
import express, { type Express } from 'express'
import helmet from 'helmet'
import type { Keyring } from '../attribute/keyring.ts'
import type { Database } from '../db/sql.ts'
import type { Log } from '../log.ts'
import { createAuthenticate } from './authenticate.ts'
import { ApiError, createErrorHandler } from './errors.ts'
import { styleSource } from './html.ts'
import { createUnsubscribeRouter, type Unsubscribe } from './recipient/unsubscribe.ts'
import { tagRequest } from './request-id.ts'
import { createV3Router } from './v3/routes.ts'

export type AppDeps = {
  db: Database
  keyring: Keyring
  log: Log
  /** Addresses and ranges whose X-Forwarded-* fields are believed. */
  trustProxy: readonly string[]
  /** Resolves after the commit; whatever it rejects with becomes a 503. */
  unsubscribe: Unsubscribe
  now: () => Date
}

/** The HTTP door: the v3 API for programs, the unsubscribe links for recipients. */
export function createApp({ db, keyring, log, trustProxy, unsubscribe, now }: AppDeps): Express {
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.set('trust proxy', trustProxy.length > 0 ? [...trustProxy] : false)
  // A plus sign is part of an address and never a space: no parameter of ours holds spaces.
  app.set('query parser', (text: string | null) => parse((text ?? '').replaceAll('+', '%2B')))

  app.use(tagRequest)
  app.use(helmet({ contentSecurityPolicy }))
  app.use((_request, response, next) => {
    response.set({ 'Cache-Control': 'no-store', 'X-Robots-Tag': 'noindex' })
    next()
  })
  app.use('/v3', createV3Router({ db, authenticate: createAuthenticate({ db, now }), now }))
  app.use('/u', createUnsubscribeRouter({ db, keyring, unsubscribe, log }))
  app.use(() => {
    throw new ApiError(404, 'Not found')
  })
  app.use(createErrorHandler(log))
  return app
}

const contentSecurityPolicy = {
  useDefaults: false,
  directives: {
    defaultSrc: ["'none'"],
    styleSrc: [styleSource],
    formAction: ["'self'"],
    frameAncestors: ["'none'"],
    baseUri: ["'none'"],
  },
}
