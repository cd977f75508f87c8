/** Before that there was nothing to unsubscribe from. */
const earliest = Date.UTC(1990, 0)

const unixTime = /^\d{9,10}(?:\.\d+)?$/
const unixMilliseconds = /^\d{12,13}$/
const isoDate =
  /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?))? ?(Z|UTC|[+-]\d\d:?\d\d)?$/
/** RFC 5322 section 3.3 */
const mailDate =
  /^(?:[A-Z][a-z]{2}, )?\d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d(?::\d\d)? [A-Z+-][A-Z\d]{2,4}$/

/**
 * When a provider put an address onto its list: unix seconds or milliseconds, ISO 8601 (UTC unless it
 * says otherwise), or a date as in mail. `null` for anything else, and for times that cannot be.
 */
export function importDate(text: string, now: Date): Date | null {
  const milliseconds = millisecondsOf(text)
  return milliseconds >= earliest && milliseconds <= now.getTime() ? new Date(milliseconds) : null
}

function millisecondsOf(text: string): number {
  if (unixTime.test(text)) return Math.floor(Number(text) * 1000)
  if (unixMilliseconds.test(text)) return Number(text)
  const [, day, time = '00:00', zone = 'Z'] = isoDate.exec(text) ?? []
  if (day !== undefined) {
    const offset = zone === 'UTC' ? 'Z' : zone.replace(/^([+-]\d\d):?(\d\d)$/, '$1:$2')
    return Date.parse(`${day}T${time}${offset}`)
  }
  return mailDate.test(text) ? Date.parse(text) : Number.NaN
}
