import type { ChangedBy } from './actor.ts'
import type { BounceClass, Feedback } from './feedback.ts'

/** A message that waits, and whose it is to be: another tenant's only when it was of none (0). */
export type Waiting = { tenantId: number; ownerId: number; receivedMessageId: string }

/** For whom somebody vouches: canonical addresses that the message names. `null`: not said yet. */
export type Vouched = { recipients: readonly string[] | 'all' | null; by: ChangedBy }

/** Somebody whom a message concerns. */
export type Concerned = {
  address: string
  kind: Feedback['kind']
  bounceClass: BounceClass | null
}

export type Released = {
  result: 'released'
  /** `false`: by today's rules it speaks for itself. */
  isVouchedFor: boolean
  /** `isListed`: whether the address is on the list of this kind now, for whatever reason. */
  concerned: readonly (Concerned & { isListed: boolean })[]
}

export type Release =
  | Released
  /** Whom it would concern. */
  | { result: 'unconfirmed'; concerned: readonly Concerned[] }
  | { result: 'not-found' }
  /** It is of no tenant, and nobody said whose it is to be. */
  | { result: 'unowned' }
  /** It has been decided. */
  | { result: 'not-waiting' }
  /** These are not named in it. */
  | { result: 'not-named'; addresses: readonly string[] }
  /** Nothing in it can be put onto a list. */
  | { result: 'names-nobody'; reason: string }
