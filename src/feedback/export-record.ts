import { csvField } from './csv-field.ts'
import type { SuppressionEntry, SuppressionList } from './suppression.ts'

export const exportFormats = ['csv', 'ndjson'] as const

export type ExportFormat = (typeof exportFormats)[number]

/** One entry of a list as its export shows it. */
export type ExportEntry = Pick<
  SuppressionEntry,
  'address' | 'bounceClass' | 'status' | 'reason' | 'source'
> & { createdAt: Date }

type Value = string | number | null

/** The columns of each list: those of the v3 API. */
const records: Record<SuppressionList, (entry: ExportEntry) => Record<string, Value>> = {
  bounces: ({ reason, bounceClass, status, ...entry }) => ({
    ...emailAndTime(entry),
    reason,
    bounce_type: bounceClass,
    status,
  }),
  spam_reports: ({ source, ...entry }) => ({ ...emailAndTime(entry), source }),
  global_unsubscribes: emailAndTime,
  group_unsubscribes: emailAndTime,
}

/** The line before all others; may be empty. */
export function exportHeader(list: SuppressionList, format: ExportFormat): string {
  if (format === 'ndjson') return ''
  const nobody = { address: '', createdAt: new Date(0), bounceClass: null, status: null }
  const columns = Object.keys(records[list]({ ...nobody, reason: null, source: null }))
  return csvLine([...columns, 'list'])
}

export function exportLine(
  list: SuppressionList,
  format: ExportFormat,
  entry: ExportEntry,
): string {
  const record = records[list](entry)
  if (format === 'ndjson') return `${JSON.stringify(record)}\n`
  // With its list in every row, a file finds back to where it comes from.
  return csvLine([...Object.values(record), list])
}

function emailAndTime({ address, createdAt }: Pick<ExportEntry, 'address' | 'createdAt'>) {
  return { email: address, created: Math.floor(createdAt.getTime() / 1000) }
}

function csvLine(values: readonly Value[]): string {
  return `${values.map((value) => csvField(String(value ?? ''))).join(',')}\r\n`
}
