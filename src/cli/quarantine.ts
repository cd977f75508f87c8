import { writeFileSync } from 'node:fs'
import { type Command, InvalidArgumentError } from 'commander'
import {
  findRaw,
  findStoredMessage,
  listStoredMessages,
  type MessagePosition,
  type StoredMessage,
  storedOutcomes,
} from '../record/stored-messages.ts'
import { CommandError } from './command-error.ts'
import { dateOf } from './date.ts'
import {
  messageId,
  type OwnerOptions,
  outcomesNamed,
  ownerOf,
  unknownMessage,
} from './message-named.ts'
import { print, table } from './output.ts'
import { releaseMessage } from './quarantine-release.ts'
import { showMessage } from './quarantine-show.ts'
import { terminalText } from './terminal-text.ts'
import { withStorage } from './with-storage.ts'

/** What somebody has still to decide. */
const waiting = ['unattributed', 'quarantined']

type ListOptions = OwnerOptions & {
  outcome?: string[]
  since?: string
  limit: number
  after?: string
  json?: boolean
}

export function addQuarantineCommand(program: Command): void {
  const quarantine = program
    .command('quarantine')
    .description('mail that was not believed or not understood, and what to do with it')
  const ofMail = (name: string, description: string): Command =>
    quarantine
      .command(name)
      .description(description)
      .option('--tenant <name>', 'whose')
      .option('--platform', 'of no tenant: postmaster, and platform domains without a token')
  ofMail('ls', 'list it, newest first')
    .option('--outcome <outcome...>', `some of ${storedOutcomes.join(', ')} (default: ${waiting})`)
    .option('--since <date>', 'received then or later: a date, or how long ago, such as 36h')
    .option('--limit <count>', 'at most so many', count, 50)
    .option('--after <cursor>', 'go on where the list before ended')
    .option('--json', 'print JSON')
    .action(list)
  ofMail('show <id>', 'show one: envelope, header, text, what was read in it, what came of it')
    .option('--json', 'print JSON')
    .action(showMessage)
  ofMail('download <id>', 'the message as it came')
    .option('--output <file>', 'where to; standard output when absent')
    .action(download)
  ofMail('release <id>', 'let it act: by the rules of today, or because you vouch for it')
    .option('--recipient <address...>', 'you vouch for what it says of these')
    .option('--yes', 'you vouch for what it says of all that it names')
    .option('--for <tenant>', 'with --platform: the tenant whose mail it is')
    .option('--reason <text>', 'for the audit trail')
    .option('--json', 'print JSON')
    .action(releaseMessage)
}

async function list({ outcome, limit, json = false, ...options }: ListOptions): Promise<void> {
  const now = new Date()
  const outcomes = outcomesNamed(outcome ?? waiting)
  const since = options.since === undefined ? null : dateOf('--since', options.since, now)
  const after = options.after === undefined ? null : readCursor(options.after)
  const messages = await withStorage(({ db }) =>
    db.run(async (sql) => {
      const filter = { outcomes, since, before: null }
      return listStoredMessages(sql, await ownerOf(sql, options), filter, { after, limit })
    }),
  )
  const last = messages.at(-1)
  const next = last && messages.length === limit ? cursorAfter(last) : null
  const header = ['ID', 'AGE', 'OUTCOME', 'REASON', 'FROM', 'TO', 'BYTES']
  const lines = [
    messages.length === 0
      ? 'nothing'
      : table(
          header,
          messages.map((one) => row(one, now)),
        ),
    ...(next === null ? [] : ['', `there may be more: --after ${next}`]),
  ]
  print(json, { messages, next }, lines.join('\n'))
}

function row(message: StoredMessage, now: Date): string[] {
  const { receivedMessageId, receivedAt, outcome, outcomeReason, mailFrom, rcptTo } = message
  return [
    receivedMessageId,
    age(now.getTime() - receivedAt.getTime()),
    outcome,
    outcomeReason ?? '-',
    mailFrom === '' ? '<>' : terminalText(mailFrom),
    terminalText(rcptTo),
    message.hasRaw ? String(message.sizeBytes) : `${message.sizeBytes} (not kept)`,
  ]
}

function age(ms: number): string {
  const minutes = Math.max(0, Math.floor(ms / 60_000))
  if (minutes < 120) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} d`
}

async function download(
  id: string,
  { output, ...owner }: OwnerOptions & { output?: string },
): Promise<void> {
  if (output === undefined && process.stdout.isTTY) {
    throw new CommandError('a message can steer a terminal: --output <file>, or pipe it on')
  }
  const raw = await withStorage(({ db }) =>
    db.run(async (sql) => {
      const tenantId = await ownerOf(sql, owner)
      const message = await findStoredMessage(sql, tenantId, messageId(id))
      if (message === null) throw unknownMessage(id)
      return findRaw(sql, tenantId, message.mailId)
    }),
  )
  if (raw === null) {
    throw new CommandError(`the bytes of message ${id} are not kept: see \`hearback config\``)
  }
  if (output === undefined) process.stdout.write(raw)
  else writeNew(output, raw)
}

function writeNew(path: string, bytes: Buffer): void {
  try {
    writeFileSync(path, bytes, { flag: 'wx', mode: 0o600 })
  } catch (error) {
    throw new CommandError(
      `cannot write ${path}: ${error instanceof Error ? error.message : error}`,
    )
  }
}

const maxListed = 1_000

function count(text: string): number {
  const value = /^\d{1,4}$/.test(text) ? Number(text) : 0
  if (value >= 1 && value <= maxListed) return value
  throw new InvalidArgumentError(`a whole number from 1 to ${maxListed}`)
}

function cursorAfter({ receivedAt, receivedMessageId }: MessagePosition): string {
  return `${receivedAt.getTime()}.${receivedMessageId}`
}

function readCursor(text: string): MessagePosition {
  const [, milliseconds, id] = /^(\d{1,15})\.([0-9a-f-]{36})$/.exec(text) ?? []
  if (milliseconds === undefined || id === undefined) {
    throw new CommandError(`--after takes what the list before ended with, not ${text}`)
  }
  return { receivedAt: new Date(Number(milliseconds)), receivedMessageId: messageId(id) }
}
