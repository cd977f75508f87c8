import { addressGroup } from './address-ranges.ts'

/** Counts open connections, in all and by client. */
export type ConnectionLimits = {
  /** False when one of the limits is reached; then nothing was counted. */
  enter(remoteAddress: string): boolean
  leave(remoteAddress: string): void
}

export function createConnectionLimits(
  maxConnections: number,
  maxConnectionsPerAddress: number,
): ConnectionLimits {
  const byGroup = new Map<string, number>()
  let open = 0

  function count(remoteAddress: string, change: 1 | -1): void {
    const group = addressGroup(remoteAddress)
    const left = (byGroup.get(group) ?? 0) + change
    if (left > 0) byGroup.set(group, left)
    else byGroup.delete(group)
    open += change
  }

  return {
    enter(remoteAddress) {
      const ofGroup = byGroup.get(addressGroup(remoteAddress)) ?? 0
      if (open >= maxConnections || ofGroup >= maxConnectionsPerAddress) return false
      count(remoteAddress, 1)
      return true
    },
    leave: (remoteAddress) => count(remoteAddress, -1),
  }
}
