import type { SuppressionList } from './suppression.ts'

/** Whose export a file is; `plain`: anybody's. */
export const importFormats = [
  'plain',
  'hearback',
  'sendgrid',
  'mailgun',
  'postmark',
  'ses',
  'mandrill',
] as const

export type ImportFormat = (typeof importFormats)[number]

/** What the columns of a file can mean. */
const meanings = [
  'email',
  /** Which list the row belongs on. */
  'kind',
  'bounceType',
  'status',
  'replyCode',
  'reason',
  'source',
  'sourceIp',
  'created',
  'tags',
  'expired',
] as const

type Meaning = (typeof meanings)[number]

/** Where in a row each meaning stands; -1 where no column has it. */
export type Columns = Readonly<Record<Meaning, number>>

export type Layout = {
  format: ImportFormat
  hasHeader: boolean
  columns: Columns
  /** Where an entry comes from when the row does not say it; may be empty. */
  provenance: string
  /** The list that files of this kind hold; `null`: that is for the rows or the caller to say. */
  list: SuppressionList | null
}

/** What several providers, and people, call their columns; without case, spaces and punctuation. */
const names: Partial<Record<Meaning, readonly string[]>> = {
  email: ['email', 'emailaddress', 'address', 'recipient', 'recipientemail', 'mail'],
  kind: ['type', 'list'],
  bounceType: ['bouncetype'],
  status: ['status'],
  reason: ['reason', 'error', 'description'],
  source: ['source'],
  created: ['created', 'createdat', 'date', 'timestamp'],
}

type Export = {
  format: ImportFormat
  /** Columns that only these exports have together; with `isExact` in this order, and no others. */
  marks: readonly string[]
  isExact?: true
  /** What is called otherwise than in `names`. */
  names: Partial<Record<Meaning, readonly string[]>>
  list?: SuppressionList | null
}

/** By the header of each export, the one with the most marks first. */
const exports: readonly Export[] = [
  {
    format: 'mandrill',
    marks: ['email', 'reason', 'detail'],
    names: { kind: ['reason'], reason: ['detail'], expired: ['expired'] },
  },
  { format: 'hearback', marks: ['email', 'list', 'created'], names: {} },
  {
    format: 'mailgun',
    marks: ['address', 'code', 'error'],
    names: { replyCode: ['code'] },
    list: 'bounces',
  },
  {
    format: 'mailgun',
    marks: ['address', 'tags'],
    names: { tags: ['tags'] },
    list: 'global_unsubscribes',
  },
  { format: 'mailgun', marks: ['address', 'createdat'], names: {}, list: 'spam_reports' },
  {
    format: 'sendgrid',
    marks: ['ip', 'email', 'created'],
    names: { sourceIp: ['ip'] },
    list: 'spam_reports',
  },
  // Bounces and blocks alike; then invalid addresses.
  {
    format: 'sendgrid',
    marks: ['status', 'reason', 'email', 'created'],
    isExact: true,
    names: {},
    list: 'bounces',
  },
  {
    format: 'sendgrid',
    marks: ['reason', 'email', 'created'],
    isExact: true,
    names: {},
    list: 'bounces',
  },
  {
    format: 'postmark',
    marks: ['emailaddress', 'suppressionreason', 'origin'],
    names: { kind: ['suppressionreason'] },
  },
  {
    format: 'ses',
    marks: ['emailaddress', 'suppressionreason'],
    names: { kind: ['suppressionreason'], created: ['lastupdatetime', 'lastupdated'] },
  },
  {
    format: 'ses',
    marks: ['emailaddress', 'reason', 'lastupdatetime'],
    names: { kind: ['reason'], reason: [], created: ['lastupdatetime'] },
  },
  // Of unsubscribes, from everything or from a group.
  { format: 'sendgrid', marks: ['email', 'created'], isExact: true, names: {} },
]

/**
 * What a row means as a header, in any order of columns; `null` when no column is called anything
 * like an email address. `format`: whose export it is, for who knows better.
 */
export function headerLayout(
  fields: readonly string[],
  format: ImportFormat | null = null,
): Layout | null {
  const header = fields.map(columnName)
  const known: Export = exports.find(
    (one) => (format === null || one.format === format) && isMarked(header, one),
  ) ?? { format: format ?? 'plain', marks: [], names: {} }
  const columns = columnsOf(header, { ...names, ...known.names })
  if (columns.email < 0) return null
  return { ...formatted(known.format), hasHeader: true, columns, list: known.list ?? null }
}

function isMarked(header: readonly string[], { marks, isExact }: Export): boolean {
  if (isExact) return header.join() === marks.join()
  return marks.every((mark) => header.includes(mark))
}

/** Of a file without a header: the address stands first, and words about it second. */
export function headlessLayout(
  list: SuppressionList | null,
  format: ImportFormat | null = null,
): Layout {
  const words = list === 'spam_reports' ? 'source' : 'reason'
  const columns = columnsOf(['email', words], names)
  return { ...formatted(format ?? 'plain'), hasHeader: false, columns, list: null }
}

function formatted(format: ImportFormat): Pick<Layout, 'format' | 'provenance'> {
  const isOfProvider = format !== 'plain' && format !== 'hearback'
  return { format, provenance: isOfProvider ? `${format} export` : '' }
}

function columnsOf(
  header: readonly string[],
  wanted: Partial<Record<Meaning, readonly string[]>>,
): Columns {
  const entries = meanings.map((meaning) => {
    const candidates = wanted[meaning] ?? []
    const found = candidates.map((name) => header.indexOf(name)).find((index) => index >= 0)
    return [meaning, found ?? -1]
  })
  return Object.fromEntries(entries) as Columns
}

function columnName(field: string): string {
  return field.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '')
}
