import type { EnhancedStatusCode } from '../feedback/status.ts'
import type { Reading } from './reading.ts'
import type { Rule } from './rule-file.ts'

/** Whether all that a rule asks for besides its text holds. */
export function conditionsHold(rule: Rule, reading: Reading): boolean {
  return (
    (rule.replyCode === null ||
      (reading.replyCode !== null && rule.replyCode.includes(reading.replyCode))) &&
    (rule.status === null ||
      statusMatches(rule.status, reading.textStatus) ||
      statusMatches(rule.status, reading.status)) &&
    (rule.provider === null || rule.provider.some((domain) => namesHost(reading.hosts, domain)))
  )
}

/** `x` stands for every class, subject or detail; a detail may be a range: `x.7.500-599`. */
export function statusMatches(
  patterns: readonly string[],
  status: EnhancedStatusCode | null,
): boolean {
  if (status === null) return false
  const [statusClass = '', subject = '', detail = ''] = status.split('.')
  return patterns.some((pattern) => {
    const [wantedClass = '', wantedSubject = '', wantedDetail = ''] = pattern.split('.')
    return (
      (wantedClass === 'x' || wantedClass === statusClass) &&
      (wantedSubject === 'x' || wantedSubject === subject) &&
      detailMatches(wantedDetail, detail)
    )
  })
}

function detailMatches(wanted: string, detail: string): boolean {
  if (wanted === 'x' || wanted === detail) return true
  const dash = wanted.indexOf('-')
  if (dash < 0) return false
  const number = Number(detail)
  return number >= Number(wanted.slice(0, dash)) && number <= Number(wanted.slice(dash + 1))
}

/** Whether a host of `domain` is named: `mx1.mail.example` names `mail.example`. */
function namesHost(hosts: string, domain: string): boolean {
  for (let at = hosts.indexOf(domain); at >= 0; at = hosts.indexOf(domain, at + 1)) {
    const before = hosts[at - 1] ?? ' '
    const after = hosts[at + domain.length] ?? ' '
    if (!/[a-z0-9@-]/.test(before) && !/[a-z0-9-]/.test(after)) return true
  }
  return false
}
