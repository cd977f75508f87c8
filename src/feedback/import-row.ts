import { canonicalAddress } from './address.ts'
import { withoutFormulaEscape } from './csv-field.ts'
import { importDate } from './import-date.ts'
import type { Layout } from './import-format.ts'
import { bounceClassNamed, type ImportTarget, importKind } from './import-kind.ts'
import type { SuppressionEntry } from './suppression.ts'

/** One row of a file: an address that is to stay on a list until it is removed. */
export type ImportEntry = Pick<
  SuppressionEntry,
  'list' | 'groupId' | 'address' | 'bounceClass' | 'status' | 'reason' | 'source'
> & {
  /** When the provider listed it; `null`: the file does not say. */
  since: Date | null
}

/** As the API takes them. */
const maxReason = 4_000
const maxSource = 1_000
const enhancedStatus = /^[245]\.\d{1,3}\.\d{1,3}$/

/** What a row says, or what is wrong with it in words for whoever sent the file. */
export function readImportRow(
  fields: readonly string[],
  layout: Layout,
  target: ImportTarget,
  now: Date,
): ImportEntry | string {
  const { columns, provenance } = layout
  const email = valueAt(fields, columns.email)
  // Before anything else: what was unreadable there looks like a letter now.
  if (email.includes('\ufffd')) return 'Not valid UTF-8'
  const address = canonicalAddress(email)
  if (address === null) return 'Invalid email format'
  const kind = importKind(valueAt(fields, columns.kind), target)
  if (typeof kind === 'string') return kind
  const { list } = kind
  const refusal = whyNot(list, valueAt(fields, columns.tags), valueAt(fields, columns.expired))
  if (refusal !== null) return refusal
  const since = columns.created < 0 ? null : importDate(valueAt(fields, columns.created), now)
  if (list === 'bounces') {
    const bounceType = valueAt(fields, columns.bounceType)
    const bounceClass = bounceType
      ? bounceClassNamed(bounceType)
      : (kind.bounceClass ?? target.bounceClass)
    if (bounceClass === null) return 'bounce_type must be hard, soft or block'
    const words = withReplyCode(valueAt(fields, columns.replyCode), valueAt(fields, columns.reason))
    const status = statusOf(valueAt(fields, columns.status))
    const reason = storable(words, maxReason)
    const source = storable(provenance, maxSource)
    return { list, groupId: 0, address, since, bounceClass, status, reason, source }
  }
  const groupId = list === 'group_unsubscribes' ? target.groupId : 0
  const sources = [valueAt(fields, columns.source), provenance, valueAt(fields, columns.sourceIp)]
  const source = storable(sources.filter(Boolean).join(', '), maxSource)
  return { list, groupId, address, since, bounceClass: null, status: null, reason: null, source }
}

/** The value of a column, as it was before it was made safe for spreadsheets. */
export function valueAt(fields: readonly string[], column: number): string {
  // -1 would be looked for by its name, which takes longer than all the rest of the row.
  return column < 0 ? '' : withoutFormulaEscape((fields[column] ?? '').trim())
}

/** What one provider keeps on its list, but another list than the whole of ours. */
function whyNot(list: SuppressionEntry['list'], tags: string, expired: string): string | null {
  if (expired !== '' && /^(?:true|yes|1)$/i.test(expired)) return 'Has expired at the provider'
  if (list !== 'global_unsubscribes' || /^[[\]"*]*$/.test(tags)) return null
  return 'Unsubscribed from single tags only: import it into a group'
}

function statusOf(text: string): string | null {
  return text !== '' && enhancedStatus.test(text) ? text : null
}

/** RFC 5321 section 4.2: the code stands before the text. */
function withReplyCode(code: string, text: string): string {
  return text.startsWith(code) ? text : `${code} ${text}`.trim()
}

/** Text that PostgreSQL takes, `null` when there is none. */
function storable(text: string, maxLength: number): string | null {
  if (text === '') return null
  const cut = text.length > maxLength ? text.slice(0, maxLength) : text
  return /[\0\ud800-\udfff]/.test(cut) ? cut.replaceAll('\0', '').toWellFormed() : cut
}
