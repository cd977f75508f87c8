import { createRoutes, type RouteDeps } from '../../src/http/v3/routes.ts'

/** Whatever is taken out of it. */
const nothing: object = new Proxy(() => nothing, { get: () => nothing })

/** Every call of the v3 API, to be looked at: they can be called only through a door. */
export const routes = createRoutes(nothing as RouteDeps)
