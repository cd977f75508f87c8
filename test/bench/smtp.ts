import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { packageRoot } from '../../src/cli/package-root.ts'
import { loadSamples } from '../../src/samples.ts'
import { removeDataDirectory } from '../support/data-directory.ts'
import { createDataDirectory, doorsOf, startDaemon } from './daemon.ts'
import { printRounds, type Round } from './figures.ts'

const sessions = 50
const messagesASession = 200
const rounds = 5

/**
 * Durable intake: bounces over SMTP, acknowledged after the commit of message, history, list and
 * event, against a bare smtp-server that reads the same messages and drops them. Client, daemon
 * and PostgreSQL share this machine.
 */
export async function benchSmtp(): Promise<void> {
  const dataDir = await createDataDirectory()
  const daemon = startDaemon(dataDir, { HEARBACK_BOOTSTRAP_DOMAIN: 'bounce.localhost' })
  const ceiling = startCeiling()
  try {
    const { smtp } = await doorsOf(daemon)
    const ports = { hearback: smtp.port, 'smtp-server, dropping': await port(ceiling) }
    const results: Round[] = []
    for (let round = -1; round < rounds; round++) {
      const result: Round = {}
      for (const [name, at] of Object.entries(ports)) result[name] = await load(at)
      if (round >= 0) results.push(result)
    }
    console.log(
      `${sessions} sessions, ${messagesASession} bounces each, median of ${rounds} rounds`,
    )
    printRounds('msg/s', results, 'smtp-server, dropping')
  } finally {
    for (const child of [daemon, ceiling]) {
      child.kill('SIGTERM')
      await once(child, 'exit')
    }
    await removeDataDirectory(dataDir)
  }
}

function startCeiling(): ChildProcess {
  const program = `
    import { SMTPServer } from 'smtp-server'
    const server = new SMTPServer({
      authOptional: true, disableReverseLookup: true, disabledCommands: ['AUTH', 'STARTTLS'],
      onData(stream, session, done) { stream.resume(); stream.once('end', () => done()) },
    })
    server.listen(0, '127.0.0.1', () => process.send(server.server.address().port))
    process.once('SIGTERM', () => process.exit())`
  return spawn(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: packageRoot(),
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
}

async function port(child: ChildProcess): Promise<number> {
  const [message] = (await once(child, 'message')) as [number]
  return message
}

let serial = 0

/** Messages a second over all sessions; every one has a recipient of its own. */
async function load(at: number): Promise<number> {
  const sample = loadSamples().find(({ name }) => name === 'delivery-status/postfix-user-unknown')
  if (!sample) throw new Error('samples/delivery-status/postfix-user-unknown.eml is missing')
  const text = sample.raw.toString('latin1')
  const recipient = /^Final-Recipient: rfc822; *(\S+)/im.exec(text)?.[1] ?? ''
  const begin = performance.now()
  await Promise.all(
    Array.from({ length: sessions }, () => {
      const messages = Array.from({ length: messagesASession }, () =>
        text.replaceAll(recipient, `r${serial++}@example.com`),
      )
      return session(at, messages)
    }),
  )
  return (sessions * messagesASession * 1000) / (performance.now() - begin)
}

/** One connection in lock-step but for MAIL, RCPT and DATA, which go together (RFC 2920). */
async function session(at: number, messages: readonly string[]): Promise<void> {
  const socket = connect({ port: at, host: '127.0.0.1', noDelay: true })
  const replies = createInterface({ input: socket })[Symbol.asyncIterator]()
  const expectReply = async (code: string): Promise<void> => {
    for (;;) {
      const { value, done } = await replies.next()
      if (done || !String(value).startsWith(code)) throw new Error(`expected ${code}, not ${value}`)
      if (String(value)[3] === ' ') return
    }
  }
  await expectReply('220')
  socket.write('EHLO bench.example\r\n')
  await expectReply('250')
  for (const message of messages) {
    socket.write('MAIL FROM:<>\r\nRCPT TO:<bounces@bounce.localhost>\r\nDATA\r\n')
    await expectReply('250')
    await expectReply('250')
    await expectReply('354')
    socket.write(`${message.replaceAll('\r\n.', '\r\n..')}\r\n.\r\n`, 'latin1')
    await expectReply('250')
  }
  socket.end('QUIT\r\n')
}
