/**
 * A kind of software or provider, and the words by which its bounces are known. A mere name stands
 * in other mail, too: it names the family of a bounce, but makes none.
 */
type Family = { format: string; words: RegExp; isName?: true }

/**
 * Names the family of a text bounce, `text` when it is none that we know. `letterhead` is what the
 * header says of the sender. The families only name the format: recipients are read alike in all.
 */
export function familyOf(letterhead: string, text: string): string {
  for (const family of families) {
    if (family.words.test(text) || family.words.test(letterhead)) return family.format
  }
  return 'text'
}

/** Whether the text opens with the words of a mail system. */
export function isBounceText(text: string): boolean {
  const opening = text.slice(0, maxOpening)
  return openings.test(opening) || isFamilyText(opening)
}

/** Whether it uses the fixed words of a family. */
export function isFamilyText(text: string): boolean {
  return families.some((family) => family.isName !== true && family.words.test(text))
}

const maxOpening = 3_000

// In this order: what is most particular first. Exim's sentence is borrowed by many.
const families: readonly Family[] = [
  { format: 'google-groups', words: /\bgoogle groups?\b|the group you tried to contact/i },
  {
    format: 'google',
    words:
      /technical details of (?:permanent|temporary) failure|\*\* (?:address not found|message (?:not delivered|blocked|rejected)|delivery incomplete|mail delivery)|@googlemail\.|the response from the remote server was/im,
  },
  { format: 'mail.ru', words: /@(?:corp\.)?mail\.ru\b.{0,20}$|сервером mail\.ru/im },
  {
    format: 'office365',
    words: /diagnostic information for administrators|generating server:|remote server returned '/i,
  },
  { format: 'mailenable', words: /mailenable:/i },
  { format: 'james', words: /error message below:|apache james|james mail server/i },
  {
    format: 'exchange',
    words:
      /msexch:ims|did not reach the following recipient|your message did not reach some or all|the following recipient\(s\) could not be reached|internet mail service \(5\.5|<[\w.-]{1,255} #\d\.\d{1,3}\.\d{1,3}|einige oder alle empf[äa]nger nicht erreicht|[àa] certains ou [àa] tous les destinataires|x-mailer: microsoft exchange|hmailserver/i,
  },
  { format: 'messagelabs', words: /mail delivery agent at (?:messagelabs|symantec)/i },
  { format: 'dragonfly', words: /this is the dragonfly mail agent/i },
  {
    format: 'postfix',
    words: /this is the (?:mail system|postfix program) at host|postfix smtp server: errors/i,
  },
  {
    format: 'qmail',
    words:
      /qmail-send|this is the mta program|the mta program at|i'm afraid i wasn't able to deliver|remote host said:|below this line is a copy of the message|su mensaje no pudo ser entregado - sua/i,
  },
  {
    format: 'yahoo',
    words: /^message from +[\w.-]+\.\s|unable to deliver message to the following address\(es\)/i,
  },
  { format: 'opensmtpd', words: /this is the mailer-daemon, please do not reply/i },
  { format: 'amazon-workmail', words: /amazon workmail/i, isName: true },
  { format: 'amazon-ses', words: /@[\w.-]*amazonses\.com|amazon ses/i, isName: true },
  { format: 'zoho', words: /zoho mail|error_code :|@mail\.zoho\.\w+/i },
  { format: 'mxlogic', words: /mxlogic\.net|@[\w.-]*\.mxl\d/i, isName: true },
  {
    format: 'nemesis',
    words:
      /@(?:kundenserver|mail\.gmx|mx\.gmx|gmx|web)\.(?:de|com|net)\b|smtp error from remote server (?:for|after) /i,
  },
  {
    format: 'domino',
    words:
      /lotus domino|domino[ -](?:directory|verzeichnis)|x-mimetrack|was not delivered to:\s+\S+\s+because|lotus notes/i,
  },
  { format: 'groupwise', words: /groupwise/i, isName: true },
  { format: 'imail', words: /smtp32 v|invalid final delivery userid|imail/i },
  { format: 'mdaemon', words: /mdaemon/i, isName: true },
  { format: 'interscan', words: /interscan/i, isName: true },
  { format: 'mailmarshal', words: /mailmarshal|the following recipients were affected/i },
  { format: 'surfcontrol', words: /surfcontrol/i, isName: true },
  { format: 'mcafee', words: /mcafee|webshield|csmap/i, isName: true },
  { format: 'mailfoundry', words: /mailfoundry|delivery failed for the following reason:/i },
  { format: 'barracuda', words: /barracuda/i, isName: true },
  { format: 'mimecast', words: /mimecast/i, isName: true },
  {
    format: 'courier',
    words: /courier mail server|this is a delivery status notification from .{1,80}, running/i,
  },
  {
    format: 'messaging-server',
    words:
      /recipient address:[\s\S]{0,200}original address:|sun java.{0,20}messaging server|iplanet messaging/i,
  },
  {
    format: 'kddi',
    words: /@(?:[\w-]+\.)*(?:ezweb|dion|auone-net|au)\.(?:ne\.jp|com|jp)\b/i,
    isName: true,
  },
  { format: 'docomo', words: /@(?:[\w-]+\.)*docomo\.ne\.jp\b/i, isName: true },
  { format: 'jetmail', words: /jetmail/i, isName: true },
  { format: 'verizon', words: /could not be delivered to mobile|vzwpix|vtext/i, isName: true },
  {
    format: 'sendmail',
    words:
      /-{3} ?(?:the following addresses had|transcript of session follows)|while talking to|\((?:expanded from|reason): /i,
  },
  {
    format: 'exim',
    words:
      /this message was created automatically by (?:the )?(?:mail delivery|smtp relay)|retry timeout exceeded|all hosts have been failing/i,
  },
]

const openings =
  /(?:could|can) ?not be (?:delivered|sent)|(?:was|were|is|has) (?:not (?:been )?delivered|undeliverable|been returned)|unable to deliver|undeliverable (?:to|address)|deliver(?:y|ing)[^.\n]{0,60} (?:failed|aborted|has failed)|delivery (?:error|failure)|problem (?:delivering|with the e-?mail address)|delivery problems|error(?: has)? (?:occurred )?(?:while )?(?:sending|delivering|trying to deliver)|we had trouble delivering|mailbox is full|user unknown|unknown user|no such user|not (?:a valid|listed)|has been (?:delayed|postponed|deferred)|not yet been delivered|invalid (?:user|address|recipient|final)|did not exactly match|encountered an error|delivery failed|system error|delivery errors|rejected by|not exist|returned because|n'a (?:pas )?pu [êe]tre|non remis|no (?:se )?(?:ha )?pud?o|n[ãa]o p[ôo]de|konnte nicht|nicht zugestellt|не может быть доставлено|не доставлено|送信できません|配信できません|无法投递|无法送达|following (?:address|recipient)[^.\n]{0,20}\s(?:failed|could)|failed recipients|failed addresses|incorrectly constructed/i
