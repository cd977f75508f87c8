/** Days since 1970-01-01 UTC: the resolution of a token's issue date. */
export function tokenDay(date: Date): number {
  return Math.floor(date.getTime() / 86_400_000)
}

/** How long after its issue a token still acts, by what it is used for. `null`: for ever. */
const lifetimeDays = { bounce: 30, complaint: 180, unsubscribe: null } as const

export type TokenUse = keyof typeof lifetimeDays

/** A day of grace on both sides, for clocks and time zones; a token from the future is not in time. */
export function isInTime(issued: number, use: TokenUse, now: Date): boolean {
  const age = tokenDay(now) - issued
  const days = lifetimeDays[use]
  return age >= -1 && (days === null || age <= days + 1)
}
