import ipaddr from 'ipaddr.js'

const perSecond = 20
const burst = 100
/** However long somebody goes on: whoever shares the address is let in again soon after the end. */
const maxDebtMs = 60_000
/** Above that the address that has been quiet for longest is forgotten. */
const maxAddresses = 10_000

export type FailureLimiter = {
  /** Milliseconds until this address may try again; 0 when it may now. */
  waitMs(address: string): number
  /** It has failed once more. */
  failed(address: string): void
}

/**
 * Counts the failures of each remote address, not its tries: whoever sends valid requests only may
 * send as many at once as he likes. `now` is a monotonic clock, in milliseconds.
 */
export function createFailureLimiter(now: () => number): FailureLimiter {
  const spacingMs = 1_000 / perSecond
  // When each address will have made up for all its failures.
  const clearAt = new Map<string, number>()
  return {
    waitMs(address) {
      const debtMs = (clearAt.get(networkOf(address)) ?? 0) - now()
      return Math.max(0, debtMs - (burst - 1) * spacingMs)
    },
    failed(address) {
      const network = networkOf(address)
      const paidAt = Math.max(clearAt.get(network) ?? 0, now()) + spacingMs
      const at = Math.min(paidAt, now() + maxDebtMs)
      clearAt.delete(network)
      const [quietest] = clearAt.keys()
      if (quietest !== undefined && clearAt.size >= maxAddresses) clearAt.delete(quietest)
      clearAt.set(network, at)
    },
  }
}

/** One subscriber of IPv6 has a whole /64 to come from. */
function networkOf(address: string): string {
  if (!ipaddr.isValid(address)) return address
  const parsed = ipaddr.process(address)
  return parsed instanceof ipaddr.IPv6 ? parsed.parts.slice(0, 4).join(':') : parsed.toString()
}
