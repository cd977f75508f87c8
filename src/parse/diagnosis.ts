import {
  type EnhancedStatusCode,
  joinReplyLines,
  parseEnhancedStatusCode,
} from '../feedback/status.ts'
import { cleanOrNull } from './clean-text.ts'
import { maxDiagnosticLength } from './limits.ts'

/** Why one recipient failed, as far as a report says it. */
export type Diagnosis = {
  status: EnhancedStatusCode | null
  replyCode: number | null
  diagnosticCode: string | null
}

/** Reads a Diagnostic-Code field (RFC 3464 section 2.3.6) and a Status field (2.3.4). */
export function diagnose(diagnostic: string | null, statusText: string | null): Diagnosis {
  const text = diagnostic === null ? null : diagnosticText(diagnostic)
  const own = statusText === null ? null : findStatus(statusText)
  const quoted = text === null ? null : findStatus(text)
  return {
    status: chooseStatus(own, quoted),
    replyCode: text === null ? null : findReplyCode(text),
    diagnosticCode: text,
  }
}

/**
 * The enhanced status code that follows an SMTP reply code, else the first that stands alone:
 * `5.1.0 - Unknown address error 550-'5.7.1 …'` quotes the remote server last.
 */
function findStatus(text: string): EnhancedStatusCode | null {
  const found =
    codeOfReply.exec(text)?.[1] ?? standingCode.exec(text)?.[1] ?? successCode.exec(text)?.[1]
  return found === undefined ? null : parseEnhancedStatusCode(found)
}

/** The SMTP reply code in `text`: at its head, else the first that stands like one. */
function findReplyCode(text: string): number | null {
  const found = leadingReply.exec(text) ?? innerReply.exec(text) ?? namedReply.exec(text)
  return found?.[1] === undefined ? null : Number(found[1])
}

const codeOfReply = /(?:^|[^\d.])[45]\d\d[ -]['"(<[]?#?([45]\.\d{1,3}\.\d{1,3})(?![\d]|\.\d)/
const standingCode = /(?<![\d.])([45]\.\d{1,3}\.\d{1,3})(?![\d]|\.\d)/
const successCode = /(?<![\d.])(2\.\d{1,3}\.\d{1,3})(?![\d]|\.\d)/
const leadingReply = /^\W{0,4}([245]\d\d)(?=[\s\-:#,;)]|$)/
/** Zoho's `ERROR_CODE :550`, and `[SMTP Error Code 550]`. */
const namedReply = /error[_ ]code ?:? ?([45][0-5]\d)\b/i
const innerReply = /(?:^|[\s'"(:;<])([45][0-5]\d)(?=[ -](?:#?[45]\.\d{1,3}\.\d|[A-Za-z<"'[(]))/

/**
 * The code that the remote server gave decides, where it is a telling one: many report `5.0.0`,
 * "other", or their own `4.4.7` beside it. Else the Status field. Nothing is made up.
 */
function chooseStatus(
  own: EnhancedStatusCode | null,
  quoted: EnhancedStatusCode | null,
): EnhancedStatusCode | null {
  if (quoted === null) return own
  const isTelling = !quoted.endsWith('.0.0') && !quoted.startsWith('2')
  return own === null || isTelling ? quoted : own
}

function diagnosticText(value: string): string | null {
  const text = cleanOrNull(value.replace(diagnosticType, ''), maxDiagnosticLength)
  return text === null ? null : joinReplyLines(text)
}

const diagnosticType =
  /^\s{0,9}(?:smtp|x-[\w-]{1,40}|x\.?400|unix|dns|lmtp|esmtp|local)\s{0,9};\s{0,9}/i
