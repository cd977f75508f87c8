/** Whether a text bounce only says that delivery takes longer: nothing has failed yet. */
export function saysDelayed(subject: string, text: string): boolean {
  if (delayedSubject.test(subject) && !gaveUp.test(text)) return true
  return delayedText.test(text) && !gaveUp.test(text)
}

const delayedSubject =
  /\bdelay(?:ed)?\b|delivery (?:incomplete|warning)|warning: (?:message|could not send)|mail delivery warning|still trying|verz[öo]gert|retard[ée]|retrasad|atrasad|in ritardo|vertraagd|opóźnion|задерж|遅延|延迟/i

const delayedText =
  /has (?:been delayed|not yet been delivered|not been delivered yet|been postponed)|(?:delivery|message|mail)[^.\n]{0,40} (?:is|was|has been|have been) (?:delayed|deferred|postponed)|delivery attempts will continue|will (?:be retried|continue to (?:try|be)|keep trying|retry for)|will be retried|still being (?:retried|attempted)|this is a warning message only|do not need to resend|advisory-only|could not send message for past|temporary problem delivering|wird (?:weiterhin|weiter) versucht|(?:noch nicht|bisher nicht) zugestellt|n'a pas encore [ée]t[ée]|a[úu]n no se ha entregado|ainda n[ãa]o foi entregue|nog niet (?:bezorgd|afgeleverd)|ещ[её] не (?:было )?доставлен|まだ配信|尚未送达/i

const gaveUp =
  /(?:have|has|had|we've|i've|i have) given up|giving up(?! eventually)|permanent(?:ly)? (?:error|fail)|fail(?:ed|ure)? permanent|no further (?:delivery )?attempts|will not be retried|could not be delivered (?:after|within)/i

/** Whether it was given up because trying took too long: RFC 3463 calls that persistent transient. */
export function saysExpired(words: string): boolean {
  return expired.test(words)
}

const expired =
  /retry time(?:out)? (?:exceeded|not reached)|failing for a long time|(?:message|delivery time) (?:has )?expired|delivery (?:attempts? )?timed? ?out|cannot send message for/i
