import { CommandError } from './command-error.ts'

const unitMs: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 }

/**
 * A moment as an operator writes it: `2030-01-01`, `2030-01-01T12:00`, with a zone or in UTC, or how
 * long ago: `90m`, `36h`, `7d`. Throws a CommandError.
 */
export function dateOf(option: string, text: string, now: Date): Date {
  const [, count, unit = ''] = /^(\d{1,6})([mhd])$/.exec(text) ?? []
  if (count !== undefined) return new Date(now.getTime() - Number(count) * (unitMs[unit] ?? 0))
  const hasZone = /(?:Z|[+-]\d\d:?\d\d)$/i.test(text) || !text.includes('T')
  const isDate = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:?\d\d)?)?$/i
  const date = isDate.test(text) ? new Date(hasZone ? text : `${text}Z`) : null
  if (date && !Number.isNaN(date.getTime())) return date
  throw new CommandError(
    `${option} takes a date such as 2030-01-01 or 2030-01-01T12:00Z, or how long ago, such as 36h; not ${text}`,
  )
}
