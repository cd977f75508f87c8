import { chmod, mkdtemp, readlink, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createTransport } from 'nodemailer'
import { createKeyring } from './attribute/keyring.ts'
import { table } from './cli/output.ts'
import { readConfig } from './config.ts'
import { type Daemon, startDaemon } from './daemon.ts'
import { createLog } from './log.ts'
import { listReceived, type Received } from './record/received.ts'
import { asSentBy, loadSamples, type Sample } from './samples.ts'
import { firstSteps, stopSignal } from './serve.ts'
import { findTenant } from './tenant/tenants.ts'

const tenant = 'demo'
const domain = 'bounce.localhost'

/** The main job before one's eyes: samples in over SMTP, lists out over the API; then it serves. */
export async function demo(): Promise<void> {
  const stopping = stopSignal()
  const log = createLog('warn')
  const dataDir = await mkdtemp(join(tmpdir(), 'hearback-demo-'))
  // The server's own user has to get in.
  await chmod(dataDir, 0o755)
  try {
    const bootstrap = { isAskedFor: true, tenant, domain, apiKey: null }
    const config = { ...readConfig(), databaseUrl: null, secret: null, dataDir, bootstrap }
    const daemon = await startDaemon(config, log)
    try {
      await show(daemon)
      await stopping
    } finally {
      await daemon.close()
    }
  } finally {
    await removeData(dataDir)
  }
}

/** The database stands elsewhere when the server's user cannot enter the folder for such files. */
async function removeData(dataDir: string): Promise<void> {
  const link = await readlink(join(dataDir, 'postgres')).catch(() => null)
  if (link !== null) await rm(dirname(link), { recursive: true, force: true })
  await rm(dataDir, { recursive: true, force: true })
}

async function show(daemon: Daemon): Promise<void> {
  const samples = loadSamples().sort((a, b) => Number(a.inDemo) - Number(b.inDemo))
  const replies = await sendAll(daemon, samples)
  const { db } = daemon.storage
  const received = await db.run(async (sql) => {
    const owner = await findTenant(sql, tenant)
    return owner ? listReceived(sql, owner.tenantId, samples.length) : []
  })
  const rows = samples.map((sample, index) => {
    const message = received[index]
    return [sample.name, replies[index] ?? '', message ? meaning(message) : '', sample.about]
  })
  const others = samples.filter(({ inDemo }) => !inDemo).length
  const cameIn = table(['CAME IN', 'REPLY', 'MEANS', 'WHAT IT IS'], rows.slice(others))
  process.stdout.write(`${fitted(cameIn)}\n`)
  process.stdout.write(`and ${others} more of samples/: ${summary(received.slice(0, others))}\n\n`)
  process.stdout.write(`${fitted(await listed(daemon))}\n${firstSteps(daemon)}`)
  process.stdout.write('Serving until Ctrl-C; what this demo stored is deleted then.\n')
}

/** How many of each outcome, the most frequent first. */
function summary(received: readonly Received[]): string {
  const counts = new Map<string, number>()
  for (const { outcome, feedback } of received) {
    const kinds = feedback.map(({ kind, bounceClass }) =>
      bounceClass ? `${bounceClass} bounce` : kind,
    )
    for (const one of outcome === 'recorded' ? kinds : [outcome]) {
      counts.set(one, (counts.get(one) ?? 0) + 1)
    }
  }
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([one, count]) => `${count} ${one}`)
    .join(', ')
}

/** Cut at the edge of the terminal, where a wrapped line would spoil the table. */
function fitted(text: string): string {
  const { columns } = process.stdout
  if (columns === undefined) return text
  return text
    .split('\n')
    .map((line) => line.slice(0, columns))
    .join('\n')
}

/** One after the other over one connection, so that what came in stands in this order. */
async function sendAll(daemon: Daemon, samples: readonly Sample[]): Promise<string[]> {
  const keyring = createKeyring(daemon.storage.db, daemon.storage.secret)
  const owner = await daemon.storage.db.run((sql) => findTenant(sql, tenant))
  const key = owner && (await keyring.newest(owner.tenantId))
  if (!key) throw new Error('the demo has no signing key')
  const { host, port } = daemon.smtp
  const transport = createTransport({ host, port, ignoreTLS: true, pool: true, maxConnections: 1 })
  const replies: string[] = []
  for (const sample of samples) {
    const { mailFrom, rcptTo, raw } = await asSentBy(key, domain, new Date(), sample)
    const sent = await transport.sendMail({ envelope: { from: mailFrom, to: rcptTo }, raw })
    replies.push(sent.response.split(' ')[0] ?? '')
  }
  transport.close()
  return replies
}

function meaning({ type, outcome, outcomeReason, feedback }: Received): string {
  if (outcome !== 'recorded') return `${outcome}: ${outcomeReason ?? type ?? 'unknown'}`
  return feedback
    .map(({ kind, bounceClass, classification }) =>
      kind === 'bounce' ? `${bounceClass} bounce, ${classification}` : kind,
    )
    .join('; ')
}

/** Addresses of a list that are shown: the newest, which are those of the table. */
const shownOfList = 25

/** Over HTTP, with the key that was just made: what an application sees. */
async function listed({ http, bootstrapped }: Daemon): Promise<string> {
  const get = async (path: string): Promise<unknown> => {
    const response = await fetch(`http://${http.host}:${http.port}${path}?limit=${shownOfList}`, {
      headers: { Authorization: `Bearer ${bootstrapped?.apiKey}` },
    })
    return response.json()
  }
  const bounces = (await get('/v3/suppression/bounces')) as {
    bounces: { email: string; bounce_type: string; status: string | null; reason: string }[]
    total: number
  }
  const spamReports = (await get('/v3/suppression/spam_reports')) as {
    spam_reports: { email: string; source: string | null }[]
    total: number
  }
  const unsubscribed = (await get('/v3/asm/suppressions/global')) as {
    recipient_emails: string[]
    total: number
  }
  const rows = bounces.bounces.map(({ email, bounce_type: type, status, reason }) => [
    email,
    type,
    status ?? '-',
    reason,
  ])
  return [
    heading('/v3/suppression/bounces', bounces.total, rows.length),
    table(['EMAIL', 'TYPE', 'STATUS', 'REASON'], rows),
    '',
    heading('/v3/suppression/spam_reports', spamReports.total, spamReports.spam_reports.length),
    ...spamReports.spam_reports.map(({ email, source }) => `${email}  ${source ?? ''}`),
    '',
    heading(
      '/v3/asm/suppressions/global',
      unsubscribed.total,
      unsubscribed.recipient_emails.length,
    ),
    ...unsubscribed.recipient_emails,
  ].join('\n')
}

function heading(path: string, total: number, shown: number): string {
  return `GET ${path}: ${total} addresses${shown < total ? `, the newest ${shown}` : ''}`
}
