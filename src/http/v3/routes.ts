import { Router } from 'express'
import type { Keyring } from '../../attribute/keyring.ts'
import type { Checker } from '../../suppression/check-batches.ts'
import { addressRoutes } from './addresses.ts'
import { createApiKeyRoutes } from './api-keys.ts'
import { auditRoutes } from './audit.ts'
import { bounceRoutes } from './bounces.ts'
import { createCheckRoutes } from './check.ts'
import { createExportRoutes, type ExportDeps } from './export.ts'
import { globalUnsubscribeRoutes } from './global-unsubscribes.ts'
import { groupSuppressionRoutes } from './group-suppressions.ts'
import { groupRoutes } from './groups.ts'
import { holdRoutes } from './holds.ts'
import { createImportRoutes, type ImportDeps } from './import.ts'
import { importJobRoutes } from './import-jobs.ts'
import { createMessageRoutes, type MessageActions } from './messages.ts'
import { recipientPageRoutes } from './recipient-page.ts'
import { createRenderRoutes } from './render.ts'
import { type MountDeps, mount, type Route } from './route.ts'
import { spamReportRoutes } from './spam-reports.ts'
import { statsRoutes } from './stats.ts'
import { createTokenRoutes } from './tokens.ts'

/** What single calls need besides their Caller. */
export type RouteDeps = {
  keyring: Keyring
  /** Without a slash at its end. */
  publicUrl: string
  checker: Checker
  messages: MessageActions
  transfers: ImportDeps & ExportDeps
  /** Ends what this process remembers of a key. */
  forgetApiKey: (apiKeyId: string) => void
}

/** Every call of the v3 API, in the order in which they are tried. */
export function createRoutes(deps: RouteDeps): readonly Route[] {
  return [
    ...createExportRoutes(deps.transfers),
    ...createImportRoutes(deps.transfers),
    ...importJobRoutes,
    ...bounceRoutes,
    ...spamReportRoutes,
    ...globalUnsubscribeRoutes,
    ...groupRoutes,
    ...groupSuppressionRoutes,
    ...holdRoutes,
    ...createMessageRoutes(deps),
    ...createCheckRoutes(deps.checker),
    ...addressRoutes,
    ...statsRoutes,
    ...auditRoutes,
    ...createApiKeyRoutes(deps),
    ...createTokenRoutes(deps),
    ...createRenderRoutes(deps),
    ...recipientPageRoutes,
  ]
}

export function createV3Router(routes: readonly Route[], deps: MountDeps): Router {
  const router = Router()
  for (const route of routes) mount(router, deps, route)
  return router
}
