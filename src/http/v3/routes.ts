import { Router } from 'express'
import type { Database } from '../../db/sql.ts'
import type { Authenticate } from '../authenticate.ts'
import { bounceRoutes } from './bounces.ts'
import { globalUnsubscribeRoutes } from './global-unsubscribes.ts'
import { mount, type Route } from './route.ts'
import { spamReportRoutes } from './spam-reports.ts'

/** Every call of the v3 API. */
export const routes: readonly Route[] = [
  ...bounceRoutes,
  ...spamReportRoutes,
  ...globalUnsubscribeRoutes,
]

export function createV3Router(deps: {
  db: Database
  authenticate: Authenticate
  now: () => Date
}): Router {
  const router = Router()
  for (const route of routes) mount(router, deps, route)
  return router
}
