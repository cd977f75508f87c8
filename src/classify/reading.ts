import type { RecipientStatus } from '../feedback/report.ts'
import {
  type EnhancedStatusCode,
  parseEnhancedStatusCode,
  parseSmtpReply,
} from '../feedback/status.ts'

/** What of a report decides the class of a bounce. */
export type Diagnosis = Pick<
  RecipientStatus,
  'status' | 'replyCode' | 'diagnosticCode' | 'remoteMta'
>

/** A diagnosis as the rules see it. */
export type Reading = {
  /**
   * The diagnostic text: lower-case, on one line, at most 2 KiB, without the codes that repeat in
   * a multi-line reply, every address replaced by `@`, the outermost `host … said:` cut off.
   */
  text: string
  /** `text` before the host was cut off, and the remote MTA: where provider names are looked for. */
  hosts: string
  /** The enhanced code within the text. */
  textStatus: EnhancedStatusCode | null
  /** The Status field. */
  status: EnhancedStatusCode | null
  /** Of the text, else as the report gives it. */
  replyCode: number | null
  /** RFC 3463 section 3.1: a class 4 code or reply was seen, so trying again may help. */
  temporary: boolean
}

/** The diagnosis that an SMTP reply on one line makes, with or without `smtp;` before it. */
export function readReply(line: string): Diagnosis {
  const diagnosticCode = line.trim()
  const codes = readDiagnosis({ status: null, replyCode: null, diagnosticCode, remoteMta: null })
  return {
    status: codes.textStatus,
    replyCode: codes.replyCode,
    diagnosticCode: diagnosticCode === '' ? null : diagnosticCode,
    remoteMta: null,
  }
}

const maxTextLength = 2048

/** Prepares a diagnosis for the rules; any text in, linear time. */
export function readDiagnosis(diagnosis: Diagnosis): Reading {
  const words = onOneLine(diagnosis.diagnosticCode ?? '')
  const whole = maskAddresses(words)
  const text = withoutRepeatedCodes(whole.replace(hostSaid, '').replace(gatewayLabel, ''))
  const codes = findCodes(text)
  const replyCode = codes.replyCode ?? diagnosis.replyCode
  const status = codes.status ?? diagnosis.status
  return {
    text,
    hosts: diagnosis.remoteMta === null ? whole : `${whole} ${diagnosis.remoteMta.toLowerCase()}`,
    textStatus: codes.status,
    status: diagnosis.status,
    replyCode,
    temporary:
      (status?.startsWith('4') ?? false) ||
      (replyCode !== null && replyCode >= 400 && replyCode < 500),
  }
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

/** No space, bracket, quote, colon, semicolon, comma or backslash; everything beyond ASCII counts. */
function isAddressCharacter(code: number): boolean {
  return code > 127 || addressCharacters[code] === 1
}

const addressCharacters = new Uint8Array(128)
for (const character of "abcdefghijklmnopqrstuvwxyz0123456789!#$%&*+-./=?^_|~'") {
  addressCharacters[character.charCodeAt(0)] = 1
}

const headCodes = /^([245]\d\d)(?:[ -]#?(?:[245]\.\d{1,3}\.\d{1,3})(?![\d.]))?(?=[ -])/

/** RFC 5321 section 4.2.1: every line of a reply repeats the code, here on one line. */
function withoutRepeatedCodes(text: string): string {
  const head = headCodes.exec(text)
  const replyCode = head?.[1]
  if (!head || replyCode === undefined) return text
  let rest = text.slice(head[0].length)
  for (const codes of new Set([
    head[0],
    head[0].replace('-', ' '),
    `${replyCode} `,
    `${replyCode}-`,
  ])) {
    if (rest.includes(` ${codes}`)) rest = rest.replaceAll(` ${codes}`, ' ')
  }
  return head[0] + rest.replaceAll('  ', ' ')
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
