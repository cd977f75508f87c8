import type { Action } from '../../feedback/report.ts'

/** What a notice written for people says has happened; without a word to the contrary, a failure. */
export function textAction(subject: string, text: string): Action {
  if (gaveUp.test(text)) return 'failed'
  if (delayedSubject.test(subject) || delayedText.test(text)) return 'delayed'
  if (!succeededSubject.test(subject) && !succeededText.test(text)) return 'failed'
  if (failedText.test(text)) return 'failed'
  if (/\brelay(?:ed)?\b/i.test(subject) || /successfully relayed/i.test(text)) return 'relayed'
  return /\bexpanded\b/i.test(subject) ? 'expanded' : 'delivered'
}

const delayedSubject =
  /\bdelay(?:ed)?\b|delivery (?:incomplete|warning)|warning: (?:message|could not send)|mail delivery warning|still trying|verz[öo]gert|retard[ée]|retrasad|atrasad|in ritardo|vertraagd|opóźnion|задерж|遅延|延迟/i

const delayedText =
  /has (?:been delayed|not yet been delivered|not been delivered yet|been postponed)|(?:delivery|message|mail)[^.\n]{0,40} (?:is|was|has been|have been) (?:delayed|deferred|postponed)|delivery attempts will continue|will (?:be retried|continue to (?:try|be)|keep trying|retry for)|will be retried|still being (?:retried|attempted)|this is a warning message only|do not need to resend|advisory-only|could not send message for past|temporary problem delivering|wird (?:weiterhin|weiter) versucht|(?:noch nicht|bisher nicht) zugestellt|n'a pas encore [ée]t[ée]|a[úu]n no se ha entregado|ainda n[ãa]o foi entregue|nog niet (?:bezorgd|afgeleverd)|ещ[её] не (?:было )?доставлен|まだ配信|尚未送达/i

const succeededSubject =
  /successful|return receipt|delivery receipt|\((?:relay|success|expanded)\)|^(?:delivered|relayed|expanded|zugestellt|remis|entregado):/i

const succeededText =
  /success(?:fully|ful) (?:delivered|relayed|delivery)|was successfully|has been delivered to/i

const failedText =
  /fail(?:ed|ure)|could not|unable to|undeliverable|rejected|permanent (?:fatal )?error/i

const gaveUp =
  /(?:have|has|had|we've|i've|i have) given up|giving up(?! eventually)|permanent(?:ly)? (?:error|fail)|fail(?:ed|ure)? permanent|no further (?:delivery )?attempts|will not be retried|could not be delivered (?:after|within)/i

/** Whether it was given up because trying took too long: RFC 3463 calls that persistent transient. */
export function saysExpired(words: string): boolean {
  return expired.test(words)
}

const expired =
  /retry time(?:out)? (?:exceeded|not reached)|failing for a long time|(?:message|delivery time) (?:has )?expired|delivery (?:attempts? )?timed? ?out|cannot send message for/i
