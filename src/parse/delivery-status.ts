import type { RecipientStatus } from '../feedback/report.ts'
import { answeredCommand } from '../feedback/smtp-command.ts'
import { readAction } from './action.ts'
import { cleanOrNull } from './clean-text.ts'
import { diagnose } from './diagnosis.ts'
import { type ReportField, readFieldBlocks, reportField } from './fields.ts'
import { maxRecipients, maxValueLength } from './limits.ts'
import { looksLikeAddress, recipientAddress } from './recipient-address.ts'

/** What a `message/delivery-status` part says. */
export type DeliveryStatus = {
  reportingMta: string | null
  originalEnvelopeId: string | null
  recipients: RecipientStatus[]
  /** What the first group of fields says that names no recipient. */
  nameless: Verdict | null
}

export type Verdict = Omit<
  RecipientStatus,
  'finalRecipient' | 'originalRecipient' | 'actualRecipient'
>

/**
 * Reads the text of a delivery-status part (RFC 3464 section 2, RFC 6533). Blocks may stand apart
 * by any number of blank lines or by none, fields in any order; a group of fields that names no
 * recipient is no recipient.
 */
export function readDeliveryStatus(text: string): DeliveryStatus {
  const blocks = readFieldBlocks(text)
  const everything = blocks.flat()
  const recipients: RecipientStatus[] = []
  let nameless: Verdict | null = null
  for (const group of recipientGroups(blocks)) {
    const recipient = readRecipient(group)
    if (recipient !== null) recipients.push(recipient)
    else if (group.some((field) => opensGroup.has(field.name))) nameless ??= readVerdict(group)
    if (recipients.length >= maxRecipients) break
  }
  return {
    reportingMta: readMtaName(reportField(everything, 'reporting-mta')),
    originalEnvelopeId: cleanOrNull(
      reportField(everything, 'original-envelope-id'),
      maxValueLength,
    ),
    recipients,
    nameless,
  }
}

/** The host of `dns; mx.example.com. (192.0.2.1, …)`, without type, comment and final dot. */
export function readMtaName(value: string | null): string | null {
  if (value === null) return null
  const untyped = value.replace(/^\s{0,9}[\w-]{1,20}\s{0,9};/, '').trim()
  const name = untyped.replace(/\s{0,9}\([^)]{0,500}\)?\s{0,9}$/, '').replace(/\.$/, '')
  return cleanOrNull(name === '' ? untyped : name, maxValueLength)
}

const opensGroup: ReadonlySet<string> = new Set(['final-recipient', 'action', 'status'])
const namesRecipient: ReadonlySet<string> = new Set([
  'final-recipient',
  'original-recipient',
  'x-actual-recipient',
])

/** One group of fields a recipient, however the blocks are (not) separated. */
function recipientGroups(blocks: readonly ReportField[][]): ReportField[][] {
  const groups: ReportField[][] = []
  for (const block of blocks) {
    const last = groups.at(-1)
    if (last !== undefined && belongsTo(last, block)) {
      last.push(...block)
      continue
    }
    let group: ReportField[] = []
    let seen = new Set<string>()
    for (const field of block) {
      if (opensGroup.has(field.name) && seen.has(field.name)) {
        groups.push(group)
        group = []
        seen = new Set()
      }
      seen.add(field.name)
      group.push(field)
    }
    groups.push(group)
  }
  return groups
}

/** A block without a recipient completes the recipient before it, where that lacks its fields. */
function belongsTo(group: readonly ReportField[], block: readonly ReportField[]): boolean {
  if (!group.some((field) => namesRecipient.has(field.name))) return false
  if (block.some((field) => namesRecipient.has(field.name))) return false
  const names = new Set(group.map((field) => field.name))
  return !block.some((field) => opensGroup.has(field.name) && names.has(field.name))
}

function readRecipient(group: readonly ReportField[]): RecipientStatus | null {
  const final = addressField(group, 'final-recipient')
  const original = addressField(group, 'original-recipient')
  const actual = addressField(group, 'x-actual-recipient')
  const address = firstAddress([final, original, actual])
  if (address === null) return null
  return {
    finalRecipient: address,
    originalRecipient: original,
    actualRecipient: actual,
    ...readVerdict(group),
  }
}

function readVerdict(group: readonly ReportField[]): Verdict {
  const diagnosis = diagnose(reportField(group, 'diagnostic-code'), reportField(group, 'status'))
  return {
    action: readAction(reportField(group, 'action'), diagnosis.status),
    ...diagnosis,
    remoteMta: readMtaName(reportField(group, 'remote-mta')),
    smtpCommand:
      diagnosis.diagnosticCode === null ? null : answeredCommand(diagnosis.diagnosticCode),
  }
}

function addressField(group: readonly ReportField[], name: string): string | null {
  const value = reportField(group, name)
  return value === null ? null : recipientAddress(value)
}

/** The first that is an address, else the first that is anything. */
function firstAddress(candidates: readonly (string | null)[]): string | null {
  const present = candidates.filter((candidate) => candidate !== null)
  return present.find(looksLikeAddress) ?? present[0] ?? null
}
