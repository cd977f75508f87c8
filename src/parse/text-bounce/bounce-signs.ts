import { field, fields, type Header, textField } from '../header.ts'

/** What in the header of a message speaks for a bounce. */
export type BounceSigns = {
  /** It comes from a mail system, by its address or name. */
  sender: boolean
  subject: boolean
  /** RFC 5321 section 4.5.5: the null reverse-path. */
  nullPath: boolean
  /** Names its recipients or calls itself a delivery report: nothing else does that. */
  certain: boolean
}

export function bounceSigns(header: Header, reportType: string | null): BounceSigns {
  const from = textField(header, 'from')
  const paths = fields(header, 'return-path')
  return {
    sender: systemAddress.test(from) || systemName.test(from),
    subject: isBounceSubject(header),
    nullPath: paths.some((path) => nullPath.test(path)) || /<>/.test(from),
    certain: field(header, 'x-failed-recipients') !== null || reportType === 'delivery-status',
  }
}

/** People forward bounces and answer them; a gateway that puts `Re:` in front has no thread. */
function isBounceSubject(header: Header): boolean {
  const subject = textField(header, 'subject')
  if (!bounceSubject.test(subject)) return false
  if (forwardPrefix.test(subject)) return false
  return !replyPrefix.test(subject) || !threadFields.some((name) => header.names.includes(name))
}

const forwardPrefix = /^\s*(?:fwd?|wg|tr|rv|i|enc|vs|doorst|pd):/i
const replyPrefix = /^\s*(?:re|aw|sv|antw?|odp|res|ynt)(?:\[\d+\])?:/i
const threadFields = ['in-reply-to', 'references', 'user-agent', 'x-mailer', 'thread-index']

const nullPath = /^\s*<?\s*(?:mailer-daemon(?:@[^>]*)?)?\s*>?\s*$/i

const systemAddress =
  /(?:^|[<\s"])(?:mailer[-_.]?daemon|mail[-_.]?daemon|mdaemon|post[-_.]?master|mail[-_.]?(?:delivery|admin)[\w.-]*|delivery[-_]?(?:status|subsystem|notification)[\w.-]*|ndr|bounces?|e\d{1,4}_smtp_mail_service|mail\.delivery\.system|microsoftexchange[0-9a-f]+)(?:\\?@|>|\s|$)/i

const systemName =
  /mail\s?delivery?\s?(?:sub-?)?(?:system|service|agent)|delivery\s?sub-?system|system\s?administrator|mail\s?administrator|jetmail system|content[- ]filter|automated response from|mmsc ndr|email delivery|systemadministrator|administrateur syst|administrador del? sistema|microsoft outlook|microsoft exchange|メール配送|почтов/i

const bounceSubject =
  /undeliver|non[- ]?d[eé]liver|not (?:be )?deliver|deliver\w* (?:fail|problem|status|has failed|error|incomplete|report|notification|delayed|unsuccessful|warning)|failed (?:mail|delivery|to deliver)|(?:delivery|message) (?:has )?fail|failure notice|fail(?:ed|ure):? (?:delivery|to deliver|to send)|returned (?:mail|to sender|message)|return(?:ed)?:? user unknown|mail (?:system )?(?:error|failure|returned|delivery)|error (?:sending|delivering|in delivery)|processing error|user unknown|unknown user|mail could not|could not be delivered|unable to deliver|bounce|message status - undeliv|\bndr\b|status notification|warning: (?:message|could not send)|permanent delivery|mail delivery|mailbox (?:is )?(?:full|unavailable)|quota exceeded|deferred:|cannot send message|unzustellbar|nicht zugestellt|zustellung|fehlgeschlagen|non remis|non distribu|[ée]chec de (?:la )?(?:remise|distribution|livraison)|courrier non|message non|no se (?:pudo|puede|ha podido) entregar|no entregado|no se puede entregar|devuelto|error de env[íi]o|n[ãa]o (?:foi )?(?:poss[íi]vel )?entreg|n[ãa]o entregue|falha (?:na|de) entrega|devolvid|mancata consegna|impossibile recapitare|messaggio non|niet (?:worden )?(?:bezorgd|afgeleverd)|onbestelbaar|kan ikke leveres|kunne ikke leveres|ikke levert|kunde inte levereras|kan inte levereras|olevererbar|ei voitu toimittaa|nie dostarczon|dostarczona|niedostarczon|zwrot|nie mo[żz]na dostarczy|nedoru[čc]|не доставлен|недоставлен|невозможно доставить|ошибка доставки|не может быть доставлен|配信不能|配信できません|配信エラー|送信エラー|エラーメール|配達不能|退信|投递失败|無法投遞|无法传递|未传递|未送达|전송되지|배달되지/i
