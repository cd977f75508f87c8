import type { ErrorRequestHandler, Request, Response } from 'express'
import type { Log } from '../../log.ts'
import { failureOf, logFailure, RateLimitError } from '../errors.ts'
import { failurePage, type Page } from './pages.ts'
import { languageOf, rootOf } from './visit.ts'

/** Mail programs try again after a 503, so an outage of any kind is one here. */
export function createPageErrorHandler(log: Log): ErrorRequestHandler {
  return (error, request, response, next) => {
    const failure = failureOf(error)
    logFailure(log, request, failure, error)
    if (response.headersSent) next(error)
    else if (error instanceof RateLimitError) {
      response.set('Retry-After', String(error.retryAfterSeconds))
      sendFailure(request, response, 429)
    } else if (failure.statusCode >= 500) {
      response.set('Retry-After', '60')
      sendFailure(request, response, 503)
    } else sendFailure(request, response, failure.statusCode === 404 ? 404 : 400)
  }
}

export function sendFailure(
  request: Request,
  response: Response,
  statusCode: Parameters<typeof failurePage>[1],
): void {
  const place = { language: languageOf(request), root: rootOf(request) }
  sendPage(response.status(statusCode), failurePage(place, statusCode))
}

export function sendPage(response: Response, { html, policy }: Page): void {
  response
    .set({ 'Content-Security-Policy': policy, Vary: 'Accept-Language' })
    .type('html')
    .send(html)
}
