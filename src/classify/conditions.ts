import type { Reading } from './reading.ts'
import type { Rule } from './rule-file.ts'
import { statusIn } from './status-range.ts'

/** Whether all that a rule asks for besides its text holds. */
export function conditionsHold(rule: Rule, reading: Reading): boolean {
  return (
    (rule.replyCode === null ||
      (reading.replyCode !== null && rule.replyCode.includes(reading.replyCode))) &&
    (rule.status === null ||
      statusIn(rule.status, reading.textStatus) ||
      statusIn(rule.status, reading.status)) &&
    (rule.command === null ||
      (reading.command !== null && rule.command.includes(reading.command))) &&
    (rule.provider === null || rule.provider.some((domain) => namesHost(reading.hosts, domain)))
  )
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
