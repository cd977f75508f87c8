import { pino } from 'pino'
import { onTestFinished } from 'vitest'
import type { Outcome } from '../../src/feedback/feedback.ts'
import type { ReceivedMessage } from '../../src/feedback/message.ts'
import {
  createSmtpServer,
  type SmtpServer,
  type SmtpServerOptions,
  smtpDefaults,
} from '../../src/receive/smtp-server.ts'
import type { RecipientVerdict, TransactionDeps } from '../../src/receive/transaction.ts'
import { connectSmtp, type SmtpClient } from '../support/smtp-client.ts'

export type Door = {
  server: SmtpServer
  address: { host: string; port: number }
  /** What reached the pipeline. */
  messages: ReceivedMessage[]
  /** What checkRecipient was asked. */
  recipients: string[]
  log: () => string
  counts: Record<'opened' | 'closed' | 'received' | 'failed', number> & { rejected: string[] }
  /** A client that is closed when the test ends. */
  connect(options?: { preface?: string; greet?: boolean }): Promise<SmtpClient>
}

/** A door of its own for one test, open on a free port, for recipients under own.example. */
export async function openDoor(
  options: Partial<SmtpServerOptions> = {},
  deps: Partial<Pick<TransactionDeps, 'checkRecipient' | 'processMessage'>> = {},
): Promise<Door> {
  const messages: ReceivedMessage[] = []
  const recipients: string[] = []
  const counts = { opened: 0, closed: 0, received: 0, failed: 0, rejected: [] as string[] }
  let lines = ''
  const server = createSmtpServer(
    {
      ...smtpDefaults,
      maxMessageBytes: 10 * 1024 * 1024,
      maxConnections: 1_000,
      maxConnectionsPerAddress: 50,
      host: '127.0.0.1',
      port: 0,
      hostname: 'mx.own.example',
      tls: null,
      lmtp: false,
      peers: ['127.0.0.0/8', '::1'],
      proxyPeers: [],
      ...options,
    },
    {
      checkRecipient: deps.checkRecipient ?? onlyOwnDomain,
      async processMessage(message) {
        messages.push(message)
        return deps.processMessage
          ? deps.processMessage(message)
          : message.envelope.rcptTo.map(recorded)
      },
      newId: () => `id-${messages.length + 1}`,
      now: () => new Date('2026-11-21T12:00:00Z'),
      log: pino(
        { level: 'debug' },
        {
          write: (line) => {
            lines += line
          },
        },
      ),
      metrics: {
        connectionOpened: () => {
          counts.opened += 1
        },
        connectionClosed: () => {
          counts.closed += 1
        },
        messageReceived: () => {
          counts.received += 1
        },
        rejected: (status) => {
          counts.rejected.push(status)
        },
        failed: () => {
          counts.failed += 1
        },
      },
    },
  )

  async function onlyOwnDomain(rcptTo: string): Promise<RecipientVerdict> {
    recipients.push(rcptTo)
    if (rcptTo === 'postmaster' || rcptTo.endsWith('@own.example')) return { result: 'accepted' }
    return { result: 'rejected', replyCode: 550, status: '5.7.1', text: 'Relaying denied' }
  }

  const address = await server.listen()
  onTestFinished(() => server.close())
  return {
    server,
    address,
    messages,
    recipients,
    counts,
    log: () => lines,
    async connect({ preface = '', greet = true } = {}) {
      const client = await connectSmtp(address, { preface })
      onTestFinished(() => client.close())
      if (greet && client.greeting.code === 220) {
        await client.command(options.lmtp ? 'LHLO client.example' : 'EHLO client.example')
      }
      return client
    },
  }
}

export const recorded = (): Outcome => ({ result: 'recorded', feedback: [] })

export const mail = {
  mailFrom: '',
  rcptTo: ['bounces@own.example'],
  data: 'Subject: x\r\n\r\nhi\r\n',
}
