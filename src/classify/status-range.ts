import type { EnhancedStatusCode } from '../feedback/status.ts'

/** Some enhanced status codes; `null` stands for every class or subject. */
export type StatusRange = {
  class: number | null
  subject: number | null
  leastDetail: number
  mostDetail: number
}

const statusPattern = /^([45x])\.(\d{1,3}|x)\.(?:(\d{1,3})(?:-(\d{1,3}))?|x)$/

/** Reads `5.1.1`, `x.1.1`, `x.7.500-599`, `x.1.x`; anything else is `null`. */
export function parseStatusRange(text: string): StatusRange | null {
  const found = statusPattern.exec(text)
  if (!found) return null
  const [, statusClass, subject, least, most] = found
  return {
    class: statusClass === 'x' ? null : Number(statusClass),
    subject: subject === 'x' ? null : Number(subject),
    leastDetail: Number(least ?? 0),
    mostDetail: Number(most ?? least ?? 999),
  }
}

/** The three numbers of a code. */
export type StatusNumbers = { class: number; subject: number; detail: number }

export function statusNumbers(status: EnhancedStatusCode | null): StatusNumbers | null {
  if (status === null) return null
  const [statusClass, subject, detail] = status.split('.').map(Number)
  if (statusClass === undefined || subject === undefined || detail === undefined) return null
  return { class: statusClass, subject, detail }
}

/** Whether one of the ranges holds the code. */
export function statusIn(ranges: readonly StatusRange[], status: StatusNumbers | null): boolean {
  if (status === null) return false
  return ranges.some(
    (range) =>
      (range.class === null || range.class === status.class) &&
      (range.subject === null || range.subject === status.subject) &&
      range.leastDetail <= status.detail &&
      status.detail <= range.mostDetail,
  )
}
