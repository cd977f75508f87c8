import type { RecipientStatus } from '../feedback/report.ts'
import { answeredCommand, type SmtpCommand } from '../feedback/smtp-command.ts'
import { joinReplyLines, parseEnhancedStatusCode, parseSmtpReply } from '../feedback/status.ts'
import { type StatusNumbers, statusNumbers } from './status-range.ts'

/** What of a report decides the class of a bounce. */
export type Diagnosis = Pick<
  RecipientStatus,
  'status' | 'replyCode' | 'diagnosticCode' | 'remoteMta' | 'smtpCommand'
>

/** A diagnosis as the rules see it. */
export type Reading = {
  /**
   * The diagnostic text: lower-case, on one line, at most 2 KiB, every address replaced by `@`, the
   * outermost `host … said:` cut off.
   */
  text: string
  /** `text` before the host was cut off, and the remote MTA: where provider names are looked for. */
  hosts: string
  /** The enhanced code within the text. */
  textStatus: StatusNumbers | null
  /** The Status field. */
  status: StatusNumbers | null
  /** Of the text, else as the report gives it. */
  replyCode: number | null
  /** The SMTP command that was answered. */
  command: SmtpCommand | null
  /** Its codes say that the mailbox exists, or that trying again may help. */
  neverHard: boolean
}

/** The diagnosis that a mere SMTP reply makes, with or without `smtp;` before it. */
export function readReply(reply: string): Diagnosis {
  const diagnosticCode = joinReplyLines(reply.replace(/\s+/g, ' ').trim())
  const codes = findCodes(withoutGateway(onOneLine(diagnosticCode)))
  return {
    status: codes.status,
    replyCode: codes.replyCode,
    diagnosticCode: diagnosticCode === '' ? null : diagnosticCode,
    remoteMta: null,
    smtpCommand: answeredCommand(diagnosticCode),
  }
}

const maxTextLength = 2048

/** Prepares a diagnosis for the rules; any text in, linear time. */
export function readDiagnosis(diagnosis: Diagnosis): Reading {
  const words = onOneLine(diagnosis.diagnosticCode ?? '')
  const whole = maskAddresses(words)
  const text = withoutGateway(whole)
  const codes = findCodes(text)
  const replyCode = codes.replyCode ?? diagnosis.replyCode
  const textStatus = statusNumbers(codes.status)
  const status = statusNumbers(diagnosis.status)
  return {
    text,
    hosts: diagnosis.remoteMta === null ? whole : `${whole} ${diagnosis.remoteMta.toLowerCase()}`,
    textStatus,
    status,
    replyCode,
    command: diagnosis.smtpCommand,
    neverHard: isTemporary(replyCode, textStatus ?? status),
  }
}

/** RFC 3463 section 2: class 4; RFC 5321 section 4.2.1: 4xx. And 5.2.2, full, which passes too. */
function isTemporary(replyCode: number | null, status: StatusNumbers | null): boolean {
  if (replyCode !== null && replyCode >= 400 && replyCode < 500) return true
  return status?.class === 4 || (status?.subject === 2 && status.detail === 2)
}

const diagnosticType = /^ ?(?:smtp|x400|x-[\w-]{1,30}|lmtp|unknown) ?; ?/

function onOneLine(text: string): string {
  return text
    .slice(0, maxTextLength)
    .toLowerCase()
    .replace(/\s+/g, ' ')
    .replace(diagnosticType, '')
    .trim()
}

/** Postfix writes `host mx.example[192.0.2.1] said: ` before the reply of the other side. */
const hostSaid = /^(?:<?@>?:? ?)?host [^ [\]]{1,255}(?:\[[^ \]]{1,64}\])?:? ?(?:said|says): ?/

/** IronPort puts its own verdict before the reply it got: `5.1.0 - Unknown address error 550-'…'`. */
const gatewayLabel = /^5\.\d\.\d - [a-z ()/]{3,60} (?=[45]\d\d[ -]')/

function withoutGateway(text: string): string {
  return text.replace(hostSaid, '').replace(gatewayLabel, '')
}

const outerMark = '<>()[]{}"\'`'

/**
 * The words of an address say nothing about the bounce: `<no-such-user@spam.example>` must not
 * match a rule. Walks outwards from each `@`, so that the work is linear.
 */
function maskAddresses(text: string): string {
  let at = text.indexOf('@')
  if (at < 0) return text
  let masked = ''
  let done = 0
  while (at >= 0) {
    let start = at
    while (start > done && isAddressCharacter(text.charCodeAt(start - 1))) start--
    let end = at + 1
    while (end < text.length && isAddressCharacter(text.charCodeAt(end))) end++
    while (end > at + 1 && text[end - 1] === '.') end--
    while (start > done && outerMark.includes(text[start - 1] ?? ' ')) start--
    while (end < text.length && outerMark.includes(text[end] ?? ' ')) end++
    masked += `${text.slice(done, start)}@`
    done = end
    at = text.indexOf('@', end)
  }
  return masked + text.slice(done)
}

/**
 * Letters of Latin, Greek and Cyrillic and the ASCII of RFC 5322 atoms. Not those of Japanese,
 * Chinese and Korean, where words follow an address without a space.
 */
function isAddressCharacter(code: number): boolean {
  return code < 128 ? addressCharacters[code] === 1 : code < 0x0590
}

const addressCharacters = new Uint8Array(128)
for (const character of "abcdefghijklmnopqrstuvwxyz0123456789!#$%&*+-./=?^_|~'") {
  addressCharacters[character.charCodeAt(0)] = 1
}

const laterReplyCode = /(?:[:;(<>] ?|\[)([45]\d\d)(?=[ -])/
const laterStatus = /(?:^|[^\d.])([45]\.\d{1,3}\.\d{1,3})(?![\d.]*\d)/

function findCodes(text: string) {
  const head = parseSmtpReply(text)
  const reply = head.replyCode === null ? laterReplyCode.exec(text)?.[1] : undefined
  const status = head.status === null ? laterStatus.exec(text)?.[1] : undefined
  return {
    replyCode: head.replyCode ?? (reply === undefined ? null : Number(reply)),
    status: head.status ?? (status === undefined ? null : parseEnhancedStatusCode(status)),
  }
}
