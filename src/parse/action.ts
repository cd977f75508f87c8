import type { Action } from '../feedback/report.ts'
import type { EnhancedStatusCode } from '../feedback/status.ts'

/**
 * The Action field (RFC 3464 section 2.3.3), also as `failure`, `Delay` or with a comment. Where it
 * is missing or unreadable the status decides; a report without either reports a failure.
 */
export function readAction(value: string | null, status: EnhancedStatusCode | null): Action {
  const word = /[a-z]+/.exec(value?.toLowerCase() ?? '')?.[0] ?? ''
  for (const [start, action] of actions) if (word.startsWith(start)) return action
  return status?.startsWith('2') === true ? 'delivered' : 'failed'
}

const actions: readonly (readonly [string, Action])[] = [
  ['fail', 'failed'],
  ['delay', 'delayed'],
  ['deliver', 'delivered'],
  ['relay', 'relayed'],
  ['expand', 'expanded'],
]
