import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { Router } from 'express'
import helmet from 'helmet'
import { openApiDocument } from './openapi.ts'
import type { Route } from './v3/route.ts'

const root = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist'))

const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>hearback API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="page"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
`

const start = `SwaggerUIBundle({
  url: '/openapi.json', dom_id: '#page', deepLinking: true, validatorUrl: null,
  syntaxHighlight: { activated: false },
})
`

/** The document for programs and a page for people, which loads nothing from elsewhere. */
export function createDocumentationRouter(routes: readonly Route[], version: string): Router {
  const router = Router()
  const document = openApiDocument(routes, version)
  router.get('/openapi.json', (_request, response) => {
    response.json(document)
  })
  router.get('/docs', helmet.contentSecurityPolicy(policy), (_request, response) => {
    response.type('html').send(page)
  })
  router.get('/docs/start.js', (_request, response) => {
    response.type('js').send(start)
  })
  for (const file of ['swagger-ui.css', 'swagger-ui-bundle.js']) {
    router.get(`/docs/${file}`, (_request, response) => {
      response.sendFile(file, { root })
    })
  }
  return router
}

/** The library puts styles into elements and pictures into its style sheet. */
const policy = {
  useDefaults: false,
  directives: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'", "'unsafe-inline'"],
    imgSrc: ["'self'", 'data:'],
    connectSrc: ["'self'"],
    frameAncestors: ["'none'"],
    baseUri: ["'none'"],
  },
}
