import { field, textField } from './header.ts'
import type { Part } from './mime.ts'

/**
 * What a message is that is neither feedback nor ordinary mail, such as `dmarc-report`; `null` when
 * it is none of these. Such mail comes to feedback addresses and stays visible for the operator.
 */
export function setAsideFormat(message: Part, parts: readonly Part[]): string | null {
  const { reportType, name } = message.mediaType
  const subject = textField(message.header, 'subject')
  if (reportType === 'tlsrpt' || parts.some((part) => part.mediaType.name.includes('tlsrpt'))) {
    return 'tls-report'
  }
  if (
    dmarcSubject.test(subject) ||
    (isArchive(name) && field(message.header, 'subject') === null)
  ) {
    return parts.some((part) => isArchive(part.mediaType.name)) ? 'dmarc-report' : null
  }
  if (message.header.names.includes('x-arf') || parts.some(isXarf)) return 'x-arf'
  return enrolmentSubject.test(subject) ? 'enrolment' : null
}

/** RFC 7489 section 7.2.1.1 */
const dmarcSubject = /report\s{1,3}domain:.{1,300}submitter:/i

const enrolmentSubject =
  /(?:feedback[\s-]?loop|\bFBL\b|\bJMRP\b|\bSNDS\b|complaint feedback).{0,80}(?:confirm|verif|authori[sz]|enrol|regist|request|approv|applic|subscri)|(?:confirm|verif|authori[sz]|enrol|regist|approv|applic|subscri).{0,80}(?:feedback[\s-]?loop|\bFBL\b|\bJMRP\b|\bSNDS\b|complaint feedback)/i

function isArchive(name: string): boolean {
  return /^application\/(?:x-)?(?:gzip|zip|zip-compressed|gzip-compressed)$/.test(name)
}

function isXarf(part: Part): boolean {
  return part.mediaType.name.includes('xarf') || part.mediaType.name === 'message/x-arf'
}
