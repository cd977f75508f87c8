import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import helmet from 'helmet'

/** Fields that every response has, whichever way it was made. */
export const fixedHeaders: Readonly<Record<string, string>> = {
  ...securityHeaders(),
  'Cache-Control': 'no-store',
  'X-Robots-Tag': 'noindex',
}

/** What Helmet gives a response: it is the same for all of them. */
function securityHeaders(): Record<string, string> {
  const contentSecurityPolicy = {
    useDefaults: false,
    directives: {
      defaultSrc: ["'none'"],
      formAction: ["'self'"],
      frameAncestors: ["'none'"],
      baseUri: ["'none'"],
    },
  }
  const request = new IncomingMessage(new Socket())
  const response = new ServerResponse(request)
  helmet({ contentSecurityPolicy })(request, response, () => undefined)
  return Object.fromEntries(
    response.getHeaderNames().map((name) => [name, String(response.getHeader(name))]),
  )
}
