/** Days since 1970-01-01 UTC: the resolution of a token's issue date. */
export function tokenDay(date: Date): number {
  return Math.floor(date.getTime() / 86_400_000)
}

/** How long after its issue a token still acts, by what it is used for. `null`: for ever. */
const lifetimeDays = { bounce: 30, complaint: 180, unsubscribe: null } as const

export type TokenUse = keyof typeof lifetimeDays

/** On both sides, for clocks and time zones. */
const graceDays = 1

/** The last day on which a token acts; `null`: it does for ever. */
export function lastDay(issued: number, use: TokenUse): number | null {
  const days = lifetimeDays[use]
  return days === null ? null : issued + days + graceDays
}

/** One from the future is not in time either, but whoever wants out is let out on every day. */
export function isInTime(issued: number, use: TokenUse, now: Date): boolean {
  const today = tokenDay(now)
  const last = lastDay(issued, use)
  return last === null || (today >= issued - graceDays && today <= last)
}
