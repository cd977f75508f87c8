import type { RequestHandler } from 'express'
import type { Database } from '../../db/sql.ts'
import { findLogo } from '../../tenant/recipient-page.ts'
import { sendFailure } from './failures.ts'

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** A new logo has a new address, so that this one may be kept for ever. */
export function createLogoHandler(db: Database): RequestHandler {
  return async (request, response) => {
    const { logoId } = request.params
    const isId = typeof logoId === 'string' && uuid.test(logoId)
    const logo = isId ? await db.run((sql) => findLogo(sql, logoId)) : null
    if (logo === null) return sendFailure(request, response, 404)
    response.set('Cache-Control', 'public, max-age=31536000, immutable')
    response.type(logo.type).send(logo.image)
  }
}
